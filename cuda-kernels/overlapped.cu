// Kernels that generate a token, overlapped (order.cuh): each begins while the one before it ends, and loads weights
// before it waits. A token takes about ninety short kernels, so their beginnings count.
// target compute_90
#include "attention_decode.cuh"
#include "layernorm_forward.cuh"
#include "linear_rows.cuh"

using namespace culebra;

#define LINEAR_ROWS(ROWS)                                                                                             \
  extern "C" __global__ void __launch_bounds__(256)                                                                   \
      linear_rows_most##ROWS##_overlapped_bf16(bf16* out, const bf16* in, const bf16* weight, const bf16* bias,       \
                                               int activation, int rows, int inputs, int outputs) {                   \
    linearRows<Overlapped, bf16, ROWS>(out, in, weight, bias, activation, rows, inputs, outputs);                     \
  }

LINEAR_ROWS(1)
LINEAR_ROWS(4)
LINEAR_ROWS(8)

#define DECODE(D)                                                                                                     \
  extern "C" __global__ void __launch_bounds__(WARP* DECODE_WARPS)                                                    \
      attention_decode_d##D##_overlapped_bf16(bf16* out, bf16* keys, bf16* values, const bf16* qkv,                   \
                                              const int* position, float* partials, unsigned* counters, int heads,    \
                                              int group, int size, int capacity) {                                    \
    const DecodeArguments<bf16> arguments{out,      keys,  values, qkv,  position, partials,                          \
                                          counters, heads, group,  size, capacity};                                   \
    AttentionDecode<Overlapped, bf16, PACK<bf16>, D / PACK<bf16>, 1>(arguments).run();                                \
  }

DECODE(32)
DECODE(64)
DECODE(128)

extern "C" __global__ void __launch_bounds__(FORWARD_THREADS)
    residual_layernorm_forward_overlapped_bf16(bf16* out, bf16* sum, float* mean, float* rstd, const bf16* stream,
                                               const bf16* branch, const bf16* weight, const bf16* bias, float epsilon,
                                               int rows, int columns) {
  layernormForward<Overlapped, bf16>(out, sum, mean, rstd, stream, branch, weight, bias, epsilon, rows, columns);
}
