"""The GPT of Culebra's presets from PyTorch's modules: GPT-2's block, tied head, tanh GELU."""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass(frozen=True)
class Config:
    layers: int
    heads: int
    width: int
    context: int
    vocab: int  # padded to a multiple of 128, as Culebra does
    bias: bool
    batch: int


PRESETS = {
    "nano": Config(4, 4, 128, 64, 128, False, 12),
    "baby": Config(6, 6, 384, 256, 128, False, 64),
    "gpt2": Config(12, 12, 768, 1024, 50304, True, 32),
}


class Block(nn.Module):
    def __init__(self, config, dropout):
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.dropout = dropout
        self.ln1 = nn.LayerNorm(width, bias=config.bias)
        self.qkv = nn.Linear(width, 3 * width, bias=config.bias)
        self.proj = nn.Linear(width, width, bias=config.bias)
        self.ln2 = nn.LayerNorm(width, bias=config.bias)
        self.fc = nn.Linear(width, 4 * width, bias=config.bias)
        self.fcproj = nn.Linear(4 * width, width, bias=config.bias)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):  # (B, T, C)
        batch, time, width = x.shape
        q, k, v = self.qkv(self.ln1(x)).split(width, dim=2)
        q, k, v = (t.view(batch, time, self.heads, width // self.heads).transpose(1, 2) for t in (q, k, v))
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        x = x + self.drop(self.proj(y.transpose(1, 2).reshape(batch, time, width)))
        return x + self.drop(self.fcproj(F.gelu(self.fc(self.ln2(x)), approximate="tanh")))


class Gpt(nn.Module):
    def __init__(self, config, dropout):
        super().__init__()
        self.tokens = nn.Embedding(config.vocab, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(config, dropout) for _ in range(config.layers))
        self.ln = nn.LayerNorm(config.width, bias=config.bias)
        self.head = nn.Linear(config.width, config.vocab, bias=False)
        self.head.weight = self.tokens.weight
        self.apply(self._initialize)
        for name, weight in self.named_parameters():
            if name.endswith("proj.weight"):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * config.layers))

    @staticmethod
    def _initialize(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)

    def forward(self, inputs, targets):  # (B, T) each; returns the mean loss
        at = torch.arange(inputs.shape[1], device=inputs.device)
        x = self.drop(self.tokens(inputs) + self.positions(at))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.ln(x))
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))
