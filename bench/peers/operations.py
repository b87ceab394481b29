"""Single operations in PyTorch: attention with each backend, layernorm and cross-entropy compiled, copy, product.

    python3 operations.py [--ready FILE --go FILE]

A JSON line each: µs of the forward and of the backward pass.
"""
import argparse

import torch
import torch._functorch.config
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

import waiting

SHAPES = [(32, 12, 1024, 64), (64, 6, 256, 64), (4, 12, 8192, 64)]  # B, H, T, D
BACKENDS = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION}
ROWS = 32 * 1024
WIDTH = 768
VOCAB = 50304


def random(*shape):
    return torch.randn(shape, device="cuda", dtype=torch.bfloat16, requires_grad=True)


def both_passes(forward, inputs):
    """µs of forward and of backward."""
    out = forward()
    gradient = torch.randn_like(out)
    forward_micros = waiting.median_micros(forward)
    backward_micros = waiting.median_micros(lambda: torch.autograd.grad(out, inputs, gradient, retain_graph=True))
    return round(forward_micros, 1), round(backward_micros, 1)


def attention():
    for batch, heads, time, size in SHAPES:
        for name, backend in BACKENDS.items():
            for dropout in (0.0, 0.2) if time == 256 else (0.0,):
                q, k, v = (random(batch, heads, time, size) for _ in range(3))
                label = f"attention {name} B{batch} H{heads} T{time} D{size}" + (f" dropout {dropout}" if dropout else "")
                try:
                    with sdpa_kernel(backend):
                        forward, backward = both_passes(
                            lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout), (q, k, v)
                        )
                    waiting.say(peer="operation", name=label, forward_us=forward, backward_us=backward)
                except RuntimeError as e:
                    waiting.say(peer="operation", name=label, problem=str(e).splitlines()[0])


def residual_layernorm(stream, branch, weight, bias):
    total = stream + branch
    return F.layer_norm(total, (WIDTH,), weight, bias)


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.float(), targets)


def main():
    parser = argparse.ArgumentParser()
    waiting.add_arguments(parser)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch._functorch.config.donated_buffer = False  # the backward pass is repeated
    norm = torch.compile(residual_layernorm)
    loss = torch.compile(cross_entropy)
    stream, branch = random(ROWS, WIDTH), random(ROWS, WIDTH)
    weight, bias = random(WIDTH), random(WIDTH)
    logits = random(ROWS, VOCAB)
    targets = torch.randint(VOCAB, (ROWS,), device="cuda")

    def loss_and_gradient():
        return torch.autograd.grad(loss(logits, targets), logits)

    norm(stream, branch, weight, bias).sum().backward()
    loss_and_gradient()
    waiting.for_a_quiet_gpu(args)
    attention()
    forward, backward = both_passes(lambda: norm(stream, branch, weight, bias), (stream, branch, weight, bias))
    waiting.say(peer="operation", name=f"layernorm of a sum {ROWS} x {WIDTH}", forward_us=forward, backward_us=backward)
    micros = waiting.median_micros(loss_and_gradient)
    waiting.say(peer="operation", name=f"cross-entropy with gradient {ROWS} x {VOCAB}", both_us=round(micros, 1))
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    micros = waiting.median_micros(lambda: a @ b, 10)
    waiting.say(peer="operation", name="product of 8192^3", tflops=round(2e-6 * 8192**3 / micros))
    there = torch.empty(1 << 30, device="cuda", dtype=torch.uint8)
    micros = waiting.median_micros(lambda: there[: 1 << 29].copy_(there[1 << 29 :]), 10)
    waiting.say(peer="operation", name="copy of 512 MiB", gbps=round(2e-3 * (1 << 29) / micros))


if __name__ == "__main__":
    main()
