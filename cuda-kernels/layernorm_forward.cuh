// Forward pass of layernorm.cu.
#pragma once

#include "order.cuh"

namespace culebra {

/** The most packs of a row per thread. */
constexpr int ROW_PACKS = 4;

constexpr int FORWARD_THREADS = 256;

/** Forward pass of the rows of a thread; sum = in + branch if there is a branch, otherwise sum is not written. */
template <typename Order, typename T, int V>
struct Forward {
  using P = Pack<T, V>;

  T* const out;
  T* const sum;
  float* const mean;
  float* const rstd;
  const T* const in;
  const T* const branch;
  const T* const weight;
  const T* const bias;
  const float epsilon;
  const int rows;
  const RowTile<V, ROW_PACKS> tile;
  P x[ROW_PACKS];

  __device__ __forceinline__ void run() {
    Order::letNextBegin();
    Order::waitForPrevious();
    const int chunks = tile.chunks();
    const float perColumn = 1.0f / tile.columns;
    for (int turn = firstRow(); turn < rows; turn += rowStride()) {
      const int row = rows - 1 - turn;
      const int64_t at = static_cast<int64_t>(row) * tile.columns;
      float total = 0;
      for (int chunk = 0; chunk < chunks; chunk++) {
        loadRow(at, chunk);
        if (mean != nullptr) total += distances<false>(chunk, 0);
      }
      // Of equal numbers the mean is that number.
      const float center = mean == nullptr ? 0 : rowReduce(total, Sum{}) / tile.columns;
      float squares = 0;
      for (int chunk = 0; chunk < chunks; chunk++) {
        if (chunks > 1) loadAgain(at, chunk);
        squares += distances<true>(chunk, center);
      }
      const float scale = rsqrtf(rowReduce(squares, Sum{}) * perColumn + epsilon);
      for (int chunk = 0; chunk < chunks; chunk++) {
        if (chunks > 1) loadAgain(at, chunk);
        write(at, chunk, center, scale);
      }
      if (threadIdx.x == 0) {
        if (mean != nullptr) mean[row] = center;
        rstd[row] = scale;
      }
    }
  }

  __device__ __forceinline__ void loadRow(int64_t at, int chunk) {
    tile.forEach(chunk, [&](int k, int column) { x[k] = loadOnce<V>(in + at + column); });
    if (branch == nullptr) return;
    P y[ROW_PACKS];
    tile.forEach(chunk, [&](int k, int column) { y[k] = loadOnce<V>(branch + at + column); });
    tile.forEach(chunk, [&](int k, int column) {
      float a[V], b[V];
      unpack(a, x[k]);
      unpack(b, y[k]);
#pragma unroll
      for (int i = 0; i < V; i++) a[i] += b[i];
      x[k] = packed<T>(a);
      store<V>(sum + at + column, x[k]);
    });
  }

  __device__ __forceinline__ void loadAgain(int64_t at, int chunk) {
    const T* from = branch == nullptr ? in : sum;
    tile.forEach(chunk, [&](int k, int column) { x[k] = load<V>(from + at + column); });
  }

  /** The thread's share of Σ (x − center), or of its squares. */
  template <bool squared>
  __device__ __forceinline__ float distances(int chunk, float center) const {
    float result = 0;
    tile.forEach(chunk, [&](int k, int) {
      float v[V];
      unpack(v, x[k]);
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float distance = v[i] - center;
        result += squared ? distance * distance : distance;
      }
    });
    return result;
  }

  __device__ __forceinline__ void write(int64_t at, int chunk, float center, float scale) const {
    tile.forEach(chunk, [&](int k, int column) {
      float v[V], w[V];
      unpack(v, x[k]);
      unpack(w, loadConstant<V>(weight + column));
#pragma unroll
      for (int i = 0; i < V; i++) v[i] = (v[i] - center) * scale * w[i];
      if (bias != nullptr) {
        float b[V];
        unpack(b, loadConstant<V>(bias + column));
#pragma unroll
        for (int i = 0; i < V; i++) v[i] += b[i];
      }
      store<V>(out + at + column, packed<T>(v));
    });
  }
};

template <typename Order, typename T>
__device__ __forceinline__ void layernormForward(T* out, T* sum, float* mean, float* rstd, const T* in, const T* branch,
                                                 const T* weight, const T* bias, float epsilon, int rows, int columns) {
  if (columns % PACK<T> == 0 && aligned(out, sum, in, branch, weight, bias)) {
    constexpr int V = PACK<T>;
    Forward<Order, T, V>{out, sum, mean, rstd, in, branch, weight, bias, epsilon, rows, RowTile<V, ROW_PACKS>(columns)}.run();
  } else {
    Forward<Order, T, 1>{out, sum, mean, rstd, in, branch, weight, bias, epsilon, rows, RowTile<1, ROW_PACKS>(columns)}.run();
  }
}

}  // namespace culebra
