// What a linear layer does beside its matrix products: bias and activation behind the forward product, the bias's
// gradient beside the backward ones.
//
// The epilogue runs over what the product left, a block for a stretch of columns, whose bias stays in registers from row
// to row. The gradient of the bias sums columns: blocks of 32 packs × 8 rows take a share of the rows each and leave a
// partial row, which the reduce kernel adds up; no atomics.
// Bytes for (N, OC) elements of s bytes: epilogue 2·N·OC·s, and N·OC·s more where the pre-activation is saved elsewhere
// than the product lies; gradient N·OC·s.
#include "activation.cuh"
#include "columns.cuh"

namespace culebra {

/** Threads across the columns and down the rows of a block of biasGradient. */
constexpr int GRADIENT_THREADS = 32;
constexpr int GRADIENT_ROWS = 8;

template <typename T, int V>
__device__ __forceinline__ void epilogue(T* out, T* preActivation, const T* product, const T* bias, int activation,
                                         int rows, int columns) {
  const int column = (blockIdx.x * blockDim.x + threadIdx.x) * V;
  if (column >= columns) return;
  Pack<T, V> b;
  if (bias != nullptr) b = load<V>(bias + column);
  withActivation(activation, [&](auto kind) {
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
      const int64_t at = static_cast<int64_t>(row) * columns + column;
      auto x = loadOnce<V>(product + at);
      if (bias != nullptr) {
#pragma unroll
        for (int i = 0; i < V; i++) x.set(i, x[i] + b[i]);
      }
      if (preActivation != nullptr) storeOnce<V>(preActivation + at, x);
#pragma unroll
      for (int i = 0; i < V; i++) x.set(i, activate<decltype(kind)::VALUE>(x[i]));
      store<V>(out + at, x);
    }
  });
}

/** partials (gridDim.y, columns): block (x, y) sums rows y, y + gridDim.y, … in groups of GRADIENT_ROWS. */
template <typename T, int V>
__device__ __forceinline__ void biasGradient(float* partials, const T* dOut, int rows, int columns) {
  __shared__ float parts[GRADIENT_ROWS][V][GRADIENT_THREADS];
  const int column = (blockIdx.x * GRADIENT_THREADS + threadIdx.x) * V;
  float sums[V] = {};
  if (column < columns) {
#pragma unroll 4
    for (int row = blockIdx.y * GRADIENT_ROWS + threadIdx.y; row < rows; row += gridDim.y * GRADIENT_ROWS) {
      const auto d = load<V>(dOut + static_cast<int64_t>(row) * columns + column);
#pragma unroll
      for (int i = 0; i < V; i++) sums[i] += d[i];
    }
  }
#pragma unroll
  for (int i = 0; i < V; i++) parts[threadIdx.y][i][threadIdx.x] = sums[i];
  __syncthreads();
  // Thread (x, y) has element y of the packs; V is not more than GRADIENT_ROWS.
  const int i = threadIdx.y;
  if (i < V && column < columns) {
    float sum = 0;
#pragma unroll
    for (int part = 0; part < GRADIENT_ROWS; part++) sum += parts[part][i][threadIdx.x];
    partials[static_cast<int64_t>(blockIdx.y) * columns + column + i] = sum;
  }
}

template <typename T>
__device__ __forceinline__ void linearEpilogue(T* out, T* preActivation, const T* product, const T* bias,
                                               int activation, int rows, int columns) {
  if (columns % PACK<T> == 0 && aligned(out, preActivation, product, bias)) {
    epilogue<T, PACK<T>>(out, preActivation, product, bias, activation, rows, columns);
  } else {
    epilogue<T, 1>(out, preActivation, product, bias, activation, rows, columns);
  }
}

template <typename T>
__device__ __forceinline__ void linearBiasGradient(float* partials, const T* dOut, int rows, int columns) {
  if (columns % PACK<T> == 0 && aligned(dOut)) {
    biasGradient<T, PACK<T>>(partials, dOut, rows, columns);
  } else {
    biasGradient<T, 1>(partials, dOut, rows, columns);
  }
}

}  // namespace culebra

using namespace culebra;

#define LINEAR(T, SUFFIX)                                                                                         \
  /** preActivation = product + bias; out = activation(preActivation). bias and preActivation may be null, out and    \
      preActivation may be the product. */                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                               \
      linear_epilogue_##SUFFIX(T* out, T* preActivation, const T* product, const T* bias, int activation,         \
                               int rows, int columns) {                                                           \
    linearEpilogue<T>(out, preActivation, product, bias, activation, rows, columns);                              \
  }                                                                                                               \
  extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS* GRADIENT_ROWS)                                   \
      linear_bias_gradient_##SUFFIX(float* partials, const T* dOut, int rows, int columns) {                      \
    linearBiasGradient<T>(partials, dOut, rows, columns);                                                         \
  }

LINEAR(float, f32)
LINEAR(bf16, bf16)

/** dBias (columns) += the sums of partials (parts, columns). */
extern "C" __global__ void __launch_bounds__(COLUMN_THREADS* COLUMN_PARTS)
    linear_bias_reduce_f32(float* dBias, const float* partials, int parts, int columns) {
  addColumnSums(dBias, partials, parts, columns, columns);
}
