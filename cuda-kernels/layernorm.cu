// Layernorm of each row, alone or fused with the addition to the residual stream before it, and its backward pass.
//
//   forward   out = (x − mean) · rstd · weight + bias,  rstd = 1 / √(variance + ε)
//   backward  dIn = rstd · (g − mean(g) − n · mean(g · n)),  g = dOut · weight,  n = (x − mean) · rstd
//             dWeight += Σ dOut · n,  dBias += Σ dOut
//
// If `mean` is null, rows are not centred (root mean square layer normalization): the mean counts as 0, forward and
// backward, and backward has no term mean(g), which comes from the derivative of the mean.
//
// In the forward pass a row is kept in the registers of one warp (up to 1024 elements of bf16, 512 of float) or of one
// block, so it is read once; many warps with one row each keep memory busy, and weight and bias come from the L1 cache.
// Rows go from last to first, since the preceding product wrote the last ones most recently.
//
// The backward pass has two schemes. In both, a block processes many rows and keeps its sums of dWeight and dBias in
// registers. Each block stores one partial row of each sum; the reduce kernel adds up the partial rows.
//   streamed Rows of bf16 of up to 1024 elements. A warp has a row; its next one is copied to shared memory by cp.async
//   meanwhile. A lane copies what it will read itself, so no barrier is needed. A third sum can be computed on the way,
//   that of the written gradient: it is the bias gradient of the linear layer whose output was the residual branch.
//   general  Any row, in the registers of one warp or of one block.
//
// Bytes, elements of s bytes: forward 2·N·C·s + 8·N, with residual 4·N·C·s + 8·N; backward 3·N·C·s + 8·N, with residual
// 4·N·C·s + 8·N; the partial rows stay in the L2 cache. Inputs are not reread, so they bypass the caches.
#include "columns.cuh"
#include "layernorm_forward.cuh"
#include "mma.cuh"

namespace culebra {

constexpr int BACKWARD_THREADS = 192;

/** Warps per block of the streamed backward pass times packs per lane of a row: the capacity of the ring. */
constexpr int STREAMED_PACKS = 32;

/** dWeight and dBias of a thread's columns; if a row has several chunks, of one chunk at a time. */
template <int V>
struct ParameterSums {
  using Tile = RowTile<V, ROW_PACKS>;

  const Tile tile;
  float* const partial;
  float dWeight[ROW_PACKS][V] = {};
  float dBias[ROW_PACKS][V] = {};

  __device__ __forceinline__ ParameterSums(Tile tile, float* partial) : tile(tile), partial(partial) {}

  /** Loads what the thread has stored for the chunk; initially nothing. */
  __device__ __forceinline__ void load(int chunk, bool first) {
    tile.forEach(chunk, [&](int k, int column) {
#pragma unroll
      for (int i = 0; i < V; i++) {
        dWeight[k][i] = first ? 0 : partial[column + i];
        dBias[k][i] = first ? 0 : partial[tile.columns + column + i];
      }
    });
  }

  __device__ __forceinline__ void store(int chunk) const {
    tile.forEach(chunk, [&](int k, int column) {
#pragma unroll
      for (int i = 0; i < V; i++) {
        partial[column + i] = dWeight[k][i];
        partial[tile.columns + column + i] = dBias[k][i];
      }
    });
  }

  /** Adds the sums of the block's other rows to the first: one warp per row. */
  __device__ __forceinline__ void addRowsOfBlock() {
    if (blockDim.y == 1) return;
    addRowsOfBlock(dWeight);
    addRowsOfBlock(dBias);
  }

  __device__ __forceinline__ void addRowsOfBlock(float (&values)[ROW_PACKS][V]) const {
    __shared__ float others[BACKWARD_THREADS / WARP - 1][ROW_PACKS * V][WARP];
    __syncthreads();
    if (threadIdx.y > 0) {
      tile.forEach(0, [&](int k, int) {
#pragma unroll
        for (int i = 0; i < V; i++) others[threadIdx.y - 1][k * V + i][threadIdx.x] = values[k][i];
      });
    }
    __syncthreads();
    if (threadIdx.y == 0) {
      for (int y = 1; y < blockDim.y; y++) {
        tile.forEach(0, [&](int k, int) {
#pragma unroll
          for (int i = 0; i < V; i++) values[k][i] += others[y - 1][k * V + i][threadIdx.x];
        });
      }
    }
  }
};

/**
 * Backward pass of the rows of a thread: dIn += the gradient if `adds`, otherwise dIn = it; partials (blocks, 2, columns)
 * = the block's dWeight and dBias. Each block must have a row.
 */
template <typename T, int V, bool adds>
struct Backward {
  using P = Pack<T, V>;

  T* const dIn;
  const T* const dOut;
  const T* const in;
  const float* const mean;
  const float* const rstd;
  const T* const weight;
  const int rows;
  const RowTile<V, ROW_PACKS> tile;
  ParameterSums<V> sums;
  P g[ROW_PACKS], x[ROW_PACKS], w[ROW_PACKS], before[ROW_PACKS];

  __device__ __forceinline__ void run() {
    const int chunks = tile.chunks();
    const float perColumn = 1.0f / tile.columns;
    if (chunks == 1) keepWeights(0);
    for (int row = firstRow(); row < rows; row += rowStride()) {
      const int64_t at = static_cast<int64_t>(row) * tile.columns;
      const float center = mean == nullptr ? 0 : mean[row];
      const float scale = rstd[row];
      float means[2] = {0, 0};
      for (int chunk = 0; chunk < chunks; chunk++) {
        if (chunks > 1) keepWeights(chunk);
        loadRow(at, chunk);
        addToMeans(means, chunk, center, scale);
      }
      rowReduce(means, Sum{});
      if (mean == nullptr) means[0] = 0;
      for (int chunk = 0; chunk < chunks; chunk++) {
        if (chunks > 1) {
          keepWeights(chunk);
          loadRow(at, chunk);
          sums.load(chunk, row == firstRow());
        }
        write(at, chunk, center, scale, means[0] * perColumn, means[1] * perColumn);
        if (chunks > 1) sums.store(chunk);
      }
    }
    if (chunks == 1) {
      sums.addRowsOfBlock();
      if (threadIdx.y == 0) sums.store(0);
    }
  }

  /** If dIn is added to, there are no registers left for the weights: they come from the L1 cache. */
  __device__ __forceinline__ void keepWeights(int chunk) {
    if (!adds) tile.forEach(chunk, [&](int k, int column) { w[k] = load<V>(weight + column); });
  }

  __device__ __forceinline__ P weights(int k, int column) const { return adds ? load<V>(weight + column) : w[k]; }

  __device__ __forceinline__ void loadRow(int64_t at, int chunk) {
    tile.forEach(chunk, [&](int k, int column) {
      g[k] = loadOnce<V>(dOut + at + column);
      x[k] = loadOnce<V>(in + at + column);
      if (adds) before[k] = loadOnce<V>(dIn + at + column);
    });
  }

  /** means[0] += Σ g · w, means[1] += Σ g · w · n: the thread's share. */
  __device__ __forceinline__ void addToMeans(float (&means)[2], int chunk, float center, float scale) const {
    tile.forEach(chunk, [&](int k, int column) {
      const P weightsOfPack = weights(k, column);
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float dNormed = g[k][i] * weightsOfPack[i];
        means[0] += dNormed;
        means[1] += dNormed * ((x[k][i] - center) * scale);
      }
    });
  }

  __device__ __forceinline__ void write(int64_t at, int chunk, float center, float scale, float meanG, float meanGN) {
    tile.forEach(chunk, [&](int k, int column) {
      const P weightsOfPack = weights(k, column);
      P d;
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float normed = (x[k][i] - center) * scale;
        const float gradient = scale * (g[k][i] * weightsOfPack[i] - meanG - normed * meanGN);
        d.set(i, adds ? before[k][i] + gradient : gradient);
        sums.dWeight[k][i] += g[k][i] * normed;
        sums.dBias[k][i] += g[k][i];
      }
      store<V>(dIn + at + column, d);
    });
  }
};

extern __shared__ __align__(16) unsigned char layernormRing[];

/**
 * The streamed backward pass. dIn += the gradient if `adds`, otherwise dIn = it; partials (blocks, SUMS, columns) = the
 * block's dWeight, dBias and, of three, the sum of the rows of dIn. A row has at most K packs per lane, a block at most
 * STREAMED_PACKS / K warps (blockDim.y); each warp has room for two rows in shared memory.
 */
template <int K, bool adds, int SUMS>
struct StreamedBackward {
  static constexpr int V = PACK<bf16>;
  static constexpr int TENSORS = adds ? 3 : 2;
  static constexpr int TENSOR_ELEMENTS = K * WARP * V;  // of a row
  static constexpr int ROW_ELEMENTS = TENSORS * TENSOR_ELEMENTS;
  using P = Pack<bf16, V>;

  bf16* const dIn;
  const bf16* const dOut;
  const bf16* const in;
  const float* const mean;
  const float* const rstd;
  const bf16* const weight;
  const int rows;
  const int columns;
  P w[K];
  float sums[SUMS][K][V] = {};

  __device__ __forceinline__ int columnOf(int k) const { return (k * WARP + threadIdx.x) * V; }

  /** The location of the thread's pack k of one tensor of a row; `odd` is the row's place in the warp's ring. */
  __device__ __forceinline__ bf16* shared(bool odd, int tensor, int k) const {
    bf16* const ofWarp = reinterpret_cast<bf16*>(layernormRing) + threadIdx.y * 2 * ROW_ELEMENTS;
    return ofWarp + (odd ? ROW_ELEMENTS : 0) + tensor * TENSOR_ELEMENTS + columnOf(k);
  }

  /** From last to first: the preceding product wrote the last rows most recently. */
  __device__ __forceinline__ int rowOf(int turn) const { return rows - 1 - turn; }

  /** Starts to copy a row; if there is none the group of copies is empty, so that the number of groups is right. */
  __device__ __forceinline__ void fetch(int turn, bool odd) const {
    if (turn < rows) {
#pragma unroll
      for (int k = 0; k < K; k++) {
        if (columnOf(k) >= columns) break;
        const int64_t at = static_cast<int64_t>(rowOf(turn)) * columns + columnOf(k);
        copyAsync(sharedAddress(shared(odd, 0, k)), dOut + at, true);
        copyAsync(sharedAddress(shared(odd, 1, k)), in + at, true);
        if (adds) copyAsync(sharedAddress(shared(odd, 2, k)), dIn + at, true);
      }
    }
    commitCopies();
  }

  /** Mean and 1 / √(variance + ε); zeros if there is no row. */
  __device__ __forceinline__ float2 statisticsOf(int turn) const {
    if (turn >= rows) return make_float2(0, 0);
    return make_float2(mean == nullptr ? 0 : mean[rowOf(turn)], rstd[rowOf(turn)]);
  }

  __device__ __forceinline__ void run(float* partials) {
#pragma unroll
    for (int k = 0; k < K; k++) {
      if (columnOf(k) < columns) w[k] = load<V>(weight + columnOf(k));
    }
    const float perColumn = 1.0f / columns;
    bool odd = false;
    fetch(firstRow(), odd);
    float2 statistics = statisticsOf(firstRow());
    for (int turn = firstRow(); turn < rows; turn += rowStride()) {
      fetch(turn + rowStride(), !odd);
      const float2 next = statisticsOf(turn + rowStride());
      waitForCopies<1>();
      float means[2] = {0, 0};
      addToMeans(means, odd, statistics.x, statistics.y);
      means[0] = mean == nullptr ? 0 : warpReduce(means[0], Sum{}) * perColumn;
      means[1] = warpReduce(means[1], Sum{}) * perColumn;
      write(rowOf(turn), odd, statistics.x, statistics.y, means[0], means[1]);
      statistics = next;
      odd = !odd;
    }
    waitForCopies<0>();
    addWarps(partials);
  }

  /** means[0] += Σ g · w, means[1] += Σ g · w · n: the lane's share. */
  __device__ __forceinline__ void addToMeans(float (&means)[2], bool odd, float center, float scale) const {
#pragma unroll
    for (int k = 0; k < K; k++) {
      if (columnOf(k) >= columns) break;
      float g[V], x[V], weights[V];
      unpack(g, load<V>(shared(odd, 0, k)));
      unpack(x, load<V>(shared(odd, 1, k)));
      unpack(weights, w[k]);
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float dNormed = g[i] * weights[i];
        means[0] += dNormed;
        means[1] += dNormed * ((x[i] - center) * scale);
      }
    }
  }

  __device__ __forceinline__ void write(int row, bool odd, float center, float scale, float meanG, float meanGN) {
#pragma unroll
    for (int k = 0; k < K; k++) {
      if (columnOf(k) >= columns) break;
      float g[V], x[V], weights[V], d[V] = {};
      unpack(g, load<V>(shared(odd, 0, k)));
      unpack(x, load<V>(shared(odd, 1, k)));
      unpack(weights, w[k]);
      if (adds) unpack(d, load<V>(shared(odd, 2, k)));
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float normed = (x[i] - center) * scale;
        d[i] += scale * (g[i] * weights[i] - meanG - normed * meanGN);
        sums[0][k][i] += g[i] * normed;
        sums[1][k][i] += g[i];
      }
      const P stored = packed<bf16>(d);
      if constexpr (SUMS == 3) {
        unpack(d, stored);
#pragma unroll
        for (int i = 0; i < V; i++) sums[2][k][i] += d[i];
      }
      store<V>(dIn + static_cast<int64_t>(row) * columns + columnOf(k), stored);
    }
  }

  /** Adds up the sums of the block's warps in order, in the memory of the ring, one kind of sum at a time. */
  __device__ __forceinline__ void addWarps(float* partials) const {
    float* const ofWarps = reinterpret_cast<float*>(layernormRing);  // (warps, K, V, WARP)
    const int thread = threadIdx.y * WARP + threadIdx.x;
#pragma unroll
    for (int sum = 0; sum < SUMS; sum++) {
      __syncthreads();
#pragma unroll
      for (int k = 0; k < K; k++) {
#pragma unroll
        for (int i = 0; i < V; i++) ofWarps[((threadIdx.y * K + k) * V + i) * WARP + threadIdx.x] = sums[sum][k][i];
      }
      __syncthreads();
      for (int j = thread; j < K * V * WARP; j += blockDim.y * WARP) {
        float total = 0;
        for (int warp = 0; warp < blockDim.y; warp++) total += ofWarps[warp * K * V * WARP + j];
        const int lane = j % WARP, i = j / WARP % V, k = j / (WARP * V);
        const int column = (k * WARP + lane) * V + i;
        if (column < columns) partials[(static_cast<int64_t>(blockIdx.x) * SUMS + sum) * columns + column] = total;
      }
    }
  }
};

template <int K>
__device__ __forceinline__ void streamedBackward(bf16* dIn, float* partials, const bf16* dOut, const bf16* in,
                                                 const float* mean, const float* rstd, const bf16* weight, int adds,
                                                 int sums, int rows, int columns) {
  if (adds && sums == 3) {
    StreamedBackward<K, true, 3>{dIn, dOut, in, mean, rstd, weight, rows, columns}.run(partials);
  } else if (adds) {
    StreamedBackward<K, true, 2>{dIn, dOut, in, mean, rstd, weight, rows, columns}.run(partials);
  } else if (sums == 3) {
    StreamedBackward<K, false, 3>{dIn, dOut, in, mean, rstd, weight, rows, columns}.run(partials);
  } else {
    StreamedBackward<K, false, 2>{dIn, dOut, in, mean, rstd, weight, rows, columns}.run(partials);
  }
}

template <bool adds, int V, typename T>
__device__ __forceinline__ void layernormBackward(T* dIn, float* partials, const T* dOut, const T* in,
                                                  const float* mean, const float* rstd, const T* weight, int rows,
                                                  int columns) {
  const RowTile<V, ROW_PACKS> tile(columns);
  const ParameterSums<V> sums(tile, partials + static_cast<int64_t>(blockIdx.x) * 2 * columns);
  Backward<T, V, adds>{dIn, dOut, in, mean, rstd, weight, rows, tile, sums}.run();
}

template <bool adds, typename T>
__device__ __forceinline__ void layernormBackward(T* dIn, float* partials, const T* dOut, const T* in,
                                                  const float* mean, const float* rstd, const T* weight, int rows,
                                                  int columns) {
  if (columns % PACK<T> == 0 && aligned(dIn, dOut, in, weight)) {
    layernormBackward<adds, PACK<T>>(dIn, partials, dOut, in, mean, rstd, weight, rows, columns);
  } else {
    layernormBackward<adds, 1>(dIn, partials, dOut, in, mean, rstd, weight, rows, columns);
  }
}

}  // namespace culebra

using namespace culebra;

#define LAYERNORM(T, SUFFIX)                                                                                          \
  extern "C" __global__ void __launch_bounds__(FORWARD_THREADS, 4)                                                    \
      layernorm_forward_##SUFFIX(T* out, float* mean, float* rstd, const T* in, const T* weight, const T* bias,       \
                                 float epsilon, int rows, int columns) {                                              \
    layernormForward<InOrder, T>(out, nullptr, mean, rstd, in, nullptr, weight, bias, epsilon, rows, columns);                 \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(FORWARD_THREADS, 4)                                                    \
      residual_layernorm_forward_##SUFFIX(T* out, T* sum, float* mean, float* rstd, const T* stream, const T* branch, \
                                          const T* weight, const T* bias, float epsilon, int rows, int columns) {     \
    layernormForward<InOrder, T>(out, sum, mean, rstd, stream, branch, weight, bias, epsilon, rows, columns);                  \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(BACKWARD_THREADS, 2)                                                   \
      layernorm_backward_##SUFFIX(T* dIn, float* partials, const T* dOut, const T* in, const float* mean,             \
                                  const float* rstd, const T* weight, int rows, int columns) {                        \
    layernormBackward<false>(dIn, partials, dOut, in, mean, rstd, weight, rows, columns);                             \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(BACKWARD_THREADS, 2)                                                   \
      residual_layernorm_backward_##SUFFIX(T* dSum, float* partials, const T* dOut, const T* sum, const float* mean,  \
                                           const float* rstd, const T* weight, int rows, int columns) {               \
    layernormBackward<true>(dSum, partials, dOut, sum, mean, rstd, weight, rows, columns);                            \
  }

LAYERNORM(float, f32)
LAYERNORM(bf16, bf16)

/** Rows of up to K · 256 elements; `adds` says whether dIn is added to, `sums` (2 or 3) whether its rows are summed too. */
#define STREAMED(K)                                                                                                   \
  extern "C" __global__ void __launch_bounds__(STREAMED_PACKS / K * WARP, 1)                                          \
      layernorm_backward_streamed_k##K##_bf16(bf16* dIn, float* partials, const bf16* dOut, const bf16* in,           \
                                              const float* mean, const float* rstd, const bf16* weight, int adds,     \
                                              int sums, int rows, int columns) {                                      \
    streamedBackward<K>(dIn, partials, dOut, in, mean, rstd, weight, adds, sums, rows, columns);                      \
  }

STREAMED(1)
STREAMED(2)
STREAMED(3)
STREAMED(4)

/**
 * dWeight, dBias, dBranchBias (columns) += the sums of partials (blocks, sums, columns); blockIdx.y selects the sum; all
 * except dWeight may be null.
 */
extern "C" __global__ void __launch_bounds__(COLUMN_THREADS* COLUMN_PARTS)
    layernorm_reduce_f32(float* dWeight, float* dBias, float* dBranchBias, const float* partials, int blocks, int sums,
                         int columns) {
  float* to = blockIdx.y == 0 ? dWeight : blockIdx.y == 1 ? dBias : dBranchBias;
  if (to != nullptr) {
    addColumnSums(to, partials + blockIdx.y * columns, blocks, static_cast<int64_t>(sums) * columns, columns);
  }
}
