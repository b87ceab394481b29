// A linear layer for a few rows, as when tokens are generated one by one: out = activation(in · Wᵀ + bias).
//
// With so few rows the time is that of reading W, so each weight is loaded once and serves all rows. The threads of an
// output (a warp, or a block if a row of W is long) each hold their packs of it; all these loads are in flight before the
// first is used. Rows of the input come from the L1 cache: every output reads the same ones. A result does not depend on
// how many other rows there are, to the bit.
//
// Bytes: OC·IC·s, N·OC·s written.
#pragma once

#include "activation.cuh"
#include "order.cuh"

namespace culebra {

/** ROWS: the most rows; K packs of V weights per thread are loaded ahead. */
template <typename Order, typename T, int V, int ROWS>
__device__ __forceinline__ void linearRows(T* out, const T* in, const T* weight, const T* bias, int activation, int rows,
                                           int inputs, int outputs) {
  constexpr int K = 4;
  Order::letNextBegin();
  const RowTile<V, K> tile(inputs);
  // A warp beyond the last output computes that one again: it must take part in the reductions.
  const int slot = firstRow(), output = min(slot, outputs - 1);
  const T* row = weight + static_cast<int64_t>(output) * inputs;
  float sums[ROWS] = {};
  for (int chunk = 0; chunk < tile.chunks(); chunk++) {
    Pack<T, V> weights[K];
    tile.forEach(chunk, [&](int k, int column) { weights[k] = loadOnce<V>(row + column); });
    if (chunk == 0) Order::waitForPrevious();
    tile.forEach(chunk, [&](int k, int column) {
      float w[V];
      unpack(w, weights[k]);
#pragma unroll
      for (int n = 0; n < ROWS; n++) {
        if (n >= rows) break;
        float x[V];
        unpack(x, load<V>(in + static_cast<int64_t>(n) * inputs + column));
#pragma unroll
        for (int i = 0; i < V; i++) sums[n] += w[i] * x[i];
      }
    });
  }
  rowReduce(sums, Sum{});
  if (slot >= outputs || threadIdx.x != 0) return;
  const float shift = bias == nullptr ? 0 : toFloat(bias[output]);
  withActivation(activation, [&](auto kind) {
#pragma unroll
    for (int n = 0; n < ROWS; n++) {
      if (n < rows) {
        out[static_cast<int64_t>(n) * outputs + output] = fromFloat<T>(activate<decltype(kind)::VALUE>(sums[n] + shift));
      }
    }
  });
}

template <typename Order, typename T, int ROWS>
__device__ __forceinline__ void linearRows(T* out, const T* in, const T* weight, const T* bias, int activation, int rows,
                                           int inputs, int outputs) {
  if (inputs % PACK<T> == 0 && aligned(in, weight)) {
    linearRows<Order, T, PACK<T>, ROWS>(out, in, weight, bias, activation, rows, inputs, outputs);
  } else {
    linearRows<Order, T, 1, ROWS>(out, in, weight, bias, activation, rows, inputs, outputs);
  }
}

}  // namespace culebra
