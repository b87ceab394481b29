// Sums over the rows of a tensor, column by column: gradients of biases.
//
//   to[c] += Σ over r of in[r, c]
//
// If rows are not wider than a block, it has whole rows, blockDim.y at a time, with one pack of each per thread. Blocks take
// groups of rows in turn and each stores a partial row, which the reduce kernel adds up; no atomics. Groups go from last to
// first: the last rows were written most recently, so they are still in the L2 cache.
// Bytes for (N, C) elements of s bytes: N·C·s.
#include "columns.cuh"

namespace culebra {

constexpr int SUM_THREADS = 768;

/** Rows of a thread in flight at once. */
constexpr int SUM_ROWS = 4;

/** partials (gridDim.y, columns): block (x, y) sums groups y, y + gridDim.y, … of its columns. */
template <typename T, int V>
__device__ __forceinline__ void columnSums(float* partials, const T* in, int rows, int columns) {
  __shared__ float parts[V][SUM_THREADS];
  const int column = (blockIdx.x * blockDim.x + threadIdx.x) * V;
  const int step = blockDim.y;
  float sums[V] = {};
  for (int turn = blockIdx.y * SUM_ROWS * step + threadIdx.y; turn < rows; turn += gridDim.y * SUM_ROWS * step) {
    Pack<T, V> x[SUM_ROWS];
#pragma unroll
    for (int i = 0; i < SUM_ROWS; i++) {
      const int row = rows - 1 - turn - i * step;
      if (row >= 0 && column < columns) x[i] = load<V>(in + static_cast<int64_t>(row) * columns + column);
    }
#pragma unroll
    for (int i = 0; i < SUM_ROWS; i++) {
      if (rows - 1 - turn - i * step < 0 || column >= columns) break;
      float v[V];
      unpack(v, x[i]);
#pragma unroll
      for (int j = 0; j < V; j++) sums[j] += v[j];
    }
  }
  const int thread = threadIdx.y * blockDim.x + threadIdx.x;
#pragma unroll
  for (int i = 0; i < V; i++) parts[i][thread] = sums[i];
  __syncthreads();
  for (int j = thread; j < V * blockDim.x; j += blockDim.x * blockDim.y) {
    const int i = j / blockDim.x, x = j % blockDim.x;
    const int columnOfSum = (blockIdx.x * blockDim.x + x) * V + i;
    if (columnOfSum >= columns) continue;
    float sum = 0;
    for (int y = 0; y < blockDim.y; y++) sum += parts[i][y * blockDim.x + x];
    partials[static_cast<int64_t>(blockIdx.y) * columns + columnOfSum] = sum;
  }
}

}  // namespace culebra

using namespace culebra;

#define COLUMN_SUMS(T, SUFFIX)                                                               \
  extern "C" __global__ void __launch_bounds__(SUM_THREADS)                                  \
      column_sums_##SUFFIX(float* partials, const T* in, int rows, int columns) {            \
    if (columns % PACK<T> == 0 && aligned(in)) {                                             \
      columnSums<T, PACK<T>>(partials, in, rows, columns);                                   \
    } else {                                                                                 \
      columnSums<T, 1>(partials, in, rows, columns);                                         \
    }                                                                                        \
  }

COLUMN_SUMS(float, f32)
COLUMN_SUMS(bf16, bf16)

/** to (columns) += the sums of partials (parts, columns). */
extern "C" __global__ void __launch_bounds__(COLUMN_THREADS* COLUMN_PARTS)
    column_sums_reduce_f32(float* to, const float* partials, int parts, int columns) {
  addColumnSums(to, partials, parts, columns, columns);
}
