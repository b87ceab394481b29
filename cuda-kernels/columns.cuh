// Sums over rows, column by column, without atomics: blocks store partial rows, and a second kernel adds them
// up.
#pragma once

#include "common.cuh"

namespace culebra {

constexpr int COLUMN_THREADS = 32;
constexpr int COLUMN_PARTS = 16;

/**
 * to[c] += Σ of partials[r · stride + c] over the rows r, for `columns` columns c. Blocks of (COLUMN_THREADS,
 * COLUMN_PARTS) threads; a block has COLUMN_THREADS columns, and each of its parts has every COLUMN_PARTS-th
 * row.
 */
__device__ __forceinline__ void addColumnSums(float* to, const float* partials, int rows, int64_t stride, int columns) {
  __shared__ float parts[COLUMN_PARTS][COLUMN_THREADS];
  const int column = blockIdx.x * COLUMN_THREADS + threadIdx.x;
  float sum = 0;
  if (column < columns) {
#pragma unroll 8
    for (int r = threadIdx.y; r < rows; r += COLUMN_PARTS) sum += partials[r * stride + column];
  }
  parts[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && column < columns) {
#pragma unroll
    for (int part = 1; part < COLUMN_PARTS; part++) sum += parts[part][threadIdx.x];
    to[column] += sum;
  }
}

}  // namespace culebra
