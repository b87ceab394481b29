"""Whole training steps of a GPT in PyTorch: torch.compile, bf16 autocast, SDPA, fused AdamW. One JSON line.

    python3 train_step.py --preset gpt2|baby [--batch B] [--dropout P] [--steps N] [--ready FILE --go FILE]

Compiles, says so with the file READY, waits for the file GO, then takes times: of the step as Culebra does it, with the
gradients clipped to a norm of 1, and without clipping.
"""
import argparse
import time

import torch

import gpt
import waiting


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", choices=gpt.PRESETS, default="gpt2")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--steps", type=int, default=10, help="steps in each of five turns")
    waiting.add_arguments(parser)
    args = parser.parse_args()

    torch.manual_seed(1337)
    torch.set_float32_matmul_precision("high")
    config = gpt.PRESETS[args.preset]
    batch = args.batch or config.batch
    model = gpt.Gpt(config, args.dropout).to("cuda")
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ],
        lr=1e-4,
        betas=(0.9, 0.95),
        fused=True,
    )
    compiled = torch.compile(model)
    inputs = torch.randint(config.vocab, (batch, config.context), device="cuda")
    targets = torch.randint(config.vocab, (batch, config.context), device="cuda")

    def step(clip):
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = compiled(inputs, targets)
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    start = time.perf_counter()
    for _ in range(3):
        loss = step(True)
    loss = loss.item()
    compile_seconds = time.perf_counter() - start
    waiting.for_a_quiet_gpu(args)
    torch.cuda.reset_peak_memory_stats()
    median, least, most = waiting.median_of_turns(lambda: step(True), 5, args.steps)
    unclipped, _, _ = waiting.median_of_turns(lambda: step(False), 3, args.steps)
    tokens = batch * config.context
    waiting.say(
        peer="train_step",
        preset=args.preset,
        batch=batch,
        context=config.context,
        dropout=args.dropout,
        ms=round(median, 3),
        ms_least=round(least, 3),
        ms_most=round(most, 3),
        ms_unclipped=round(unclipped, 3),
        tokens_per_second=round(1e3 * tokens / median),
        peak_gb=round(1e-9 * torch.cuda.max_memory_allocated(), 2),
        compile_seconds=round(compile_seconds, 1),
        loss=round(loss, 3),
        torch=torch.__version__,
        gpu=torch.cuda.get_device_name(),
    )


if __name__ == "__main__":
    main()
