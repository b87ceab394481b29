// The gate of an MLP: the activated first half of a row's columns times the second half.
//
//   forward   out = activation(gate) · up,  in = (gate, up)
//   backward  dGate = dOut · up · activation′(gate),  dUp = dOut · activation(gate)
//
// A thread takes a pack of the gate and the matching one H columns further. Bytes for N rows of 2·H elements of s
// bytes: forward 3·N·H·s, backward 5·N·H·s.
#include "activation.cuh"

namespace culebra {

constexpr int GATED_THREADS = 256;

/** body(element of out, element of the gate in `in`) for each pack of the H columns of each row. */
template <int V, typename Body>
__device__ __forceinline__ void forEachGate(int rows, int columns, Body body) {
  const RowTile<V, 1> tile(columns);
  const int chunks = tile.chunks();
  for (int row = firstRow(); row < rows; row += rowStride()) {
    const int64_t at = static_cast<int64_t>(row) * columns;
    for (int chunk = 0; chunk < chunks; chunk++) {
      tile.forEach(chunk, [&](int, int column) { body(at + column, 2 * at + column); });
    }
  }
}

template <int V, typename T>
__device__ __forceinline__ void gatedForward(T* out, const T* in, int activation, int rows, int columns) {
  withActivation(activation, [&](auto kind) {
    forEachGate<V>(rows, columns, [&](int64_t at, int64_t gateAt) {
      auto gate = loadOnce<V>(in + gateAt);
      const auto up = loadOnce<V>(in + gateAt + columns);
#pragma unroll
      for (int i = 0; i < V; i++) gate.set(i, activate<decltype(kind)::VALUE>(gate[i]) * up[i]);
      store<V>(out + at, gate);
    });
  });
}

template <int V, typename T>
__device__ __forceinline__ void gatedBackward(T* dIn, const T* dOut, const T* in, int activation, int rows,
                                              int columns) {
  withActivation(activation, [&](auto kind) {
    constexpr int KIND = decltype(kind)::VALUE;
    forEachGate<V>(rows, columns, [&](int64_t at, int64_t gateAt) {
      const auto d = loadOnce<V>(dOut + at);
      auto gate = loadOnce<V>(in + gateAt);
      auto up = loadOnce<V>(in + gateAt + columns);
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float x = gate[i];
        gate.set(i, d[i] * up[i] * slope<KIND>(x));
        up.set(i, d[i] * activate<KIND>(x));
      }
      store<V>(dIn + gateAt, gate);
      store<V>(dIn + gateAt + columns, up);
    });
  });
}

}  // namespace culebra

using namespace culebra;

#define GATED(T, SUFFIX)                                                                                             \
  /** out (rows, columns) = activation(first half) · second half of in (rows, 2 · columns). */                       \
  extern "C" __global__ void __launch_bounds__(GATED_THREADS)                                                        \
      gated_forward_##SUFFIX(T* out, const T* in, int activation, int rows, int columns) {                           \
    if (columns % PACK<T> == 0 && aligned(out, in)) {                                                                \
      gatedForward<PACK<T>>(out, in, activation, rows, columns);                                                     \
    } else {                                                                                                         \
      gatedForward<1>(out, in, activation, rows, columns);                                                           \
    }                                                                                                                \
  }                                                                                                                  \
  /** dIn (rows, 2 · columns) from dOut (rows, columns). */                                                          \
  extern "C" __global__ void __launch_bounds__(GATED_THREADS)                                                        \
      gated_backward_##SUFFIX(T* dIn, const T* dOut, const T* in, int activation, int rows, int columns) {           \
    if (columns % PACK<T> == 0 && aligned(dIn, dOut, in)) {                                                          \
      gatedBackward<PACK<T>>(dIn, dOut, in, activation, rows, columns);                                              \
    } else {                                                                                                         \
      gatedBackward<1>(dIn, dOut, in, activation, rows, columns);                                                    \
    }                                                                                                                \
  }

GATED(float, f32)
GATED(bf16, bf16)
