// Layernorm of each row, alone or fused with the addition to the residual stream before it, and its backward pass.
//
//   forward   out = (x − mean) · rstd · weight + bias,  rstd = 1 / √(variance + ε)
//   backward  dIn = rstd · (g − mean(g) − n · mean(g · n)),  g = dOut · weight,  n = (x − mean) · rstd
//             dWeight += Σ dOut · n,  dBias += Σ dOut
//
// Where `mean` is null a row is not centred (root mean square layer normalization): the mean counts as 0, forward and
// backward, and backward has no term mean(g), which came from the derivative of the mean.
//
// A row lies in the registers of one warp (up to 1024 elements of bf16, 512 of float) or of one block, so it is read
// once. Blocks stay for many rows and keep weight and bias, in backward also their sums of dWeight and dBias, in
// registers. Each block of backward leaves one partial row of these sums; the reduce kernel adds the partial rows up.
//
// Bytes, elements of s bytes: forward 2·N·C·s + 8·N, with residual 4·N·C·s + 8·N; backward 3·N·C·s + 8·N, with residual
// 4·N·C·s + 8·N; the partial rows stay in the L2 cache. Nothing is read again, so inputs pass the caches by.
#include "columns.cuh"

namespace culebra {

constexpr float EPSILON = 1e-5f;

/** Packs a thread holds of a row. */
constexpr int ROW_PACKS = 4;

constexpr int FORWARD_THREADS = 256;
constexpr int BACKWARD_THREADS = 192;

/** Forward pass of the rows of a thread; sum = in + branch where there is a branch, else sum is not written. */
template <typename T, int V>
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
  const int rows;
  const RowTile<V, ROW_PACKS> tile;
  P x[ROW_PACKS], w[ROW_PACKS], b[ROW_PACKS];

  __device__ __forceinline__ void run() {
    const int chunks = tile.chunks();
    const float perColumn = 1.0f / tile.columns;
    if (chunks == 1) loadWeights(0);
    for (int row = firstRow(); row < rows; row += rowStride()) {
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
      const float scale = rsqrtf(rowReduce(squares, Sum{}) * perColumn + EPSILON);
      for (int chunk = 0; chunk < chunks; chunk++) {
        if (chunks > 1) {
          loadWeights(chunk);
          loadAgain(at, chunk);
        }
        write(at, chunk, center, scale);
      }
      if (threadIdx.x == 0) {
        if (mean != nullptr) mean[row] = center;
        rstd[row] = scale;
      }
    }
  }

  __device__ __forceinline__ void loadWeights(int chunk) {
    tile.forEach(chunk, [&](int k, int column) {
      w[k] = load<V>(weight + column);
      if (bias != nullptr) b[k] = load<V>(bias + column);
    });
  }

  __device__ __forceinline__ void loadRow(int64_t at, int chunk) {
    tile.forEach(chunk, [&](int k, int column) { x[k] = loadOnce<V>(in + at + column); });
    if (branch == nullptr) return;
    P y[ROW_PACKS];
    tile.forEach(chunk, [&](int k, int column) { y[k] = loadOnce<V>(branch + at + column); });
    tile.forEach(chunk, [&](int k, int column) {
#pragma unroll
      for (int i = 0; i < V; i++) x[k].set(i, x[k][i] + y[k][i]);
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
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float distance = x[k][i] - center;
        result += squared ? distance * distance : distance;
      }
    });
    return result;
  }

  __device__ __forceinline__ void write(int64_t at, int chunk, float center, float scale) const {
    tile.forEach(chunk, [&](int k, int column) {
      P y;
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float normed = (x[k][i] - center) * scale * w[k][i];
        y.set(i, bias == nullptr ? normed : normed + b[k][i]);
      }
      store<V>(out + at + column, y);
    });
  }
};

/** dWeight and dBias of the columns of a thread; where a row has several chunks, of one chunk at a time. */
template <int V>
struct ParameterSums {
  using Tile = RowTile<V, ROW_PACKS>;

  const Tile tile;
  float* const partial;
  float dWeight[ROW_PACKS][V] = {};
  float dBias[ROW_PACKS][V] = {};

  __device__ __forceinline__ ParameterSums(Tile tile, float* partial) : tile(tile), partial(partial) {}

  /** Takes up what the thread has stored of the chunk; nothing at first. */
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

  /** Adds what the other rows of the block have to the first: one warp a row. */
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
 * Backward pass of the rows of a thread: dIn += the gradient where `adds`, else dIn = it; partials (blocks, 2, columns)
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

  /** With dIn to be added to there are no registers left for the weights: they come from the L1 cache. */
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

template <typename T>
__device__ __forceinline__ void layernormForward(T* out, T* sum, float* mean, float* rstd, const T* in, const T* branch,
                                                 const T* weight, const T* bias, int rows, int columns) {
  if (columns % PACK<T> == 0 && aligned(out, sum, in, branch, weight, bias)) {
    constexpr int V = PACK<T>;
    Forward<T, V>{out, sum, mean, rstd, in, branch, weight, bias, rows, RowTile<V, ROW_PACKS>(columns)}.run();
  } else {
    Forward<T, 1>{out, sum, mean, rstd, in, branch, weight, bias, rows, RowTile<1, ROW_PACKS>(columns)}.run();
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
  extern "C" __global__ void __launch_bounds__(FORWARD_THREADS)                                                       \
      layernorm_forward_##SUFFIX(T* out, float* mean, float* rstd, const T* in, const T* weight, const T* bias,       \
                                 int rows, int columns) {                                                             \
    layernormForward<T>(out, nullptr, mean, rstd, in, nullptr, weight, bias, rows, columns);                          \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(FORWARD_THREADS)                                                       \
      residual_layernorm_forward_##SUFFIX(T* out, T* sum, float* mean, float* rstd, const T* stream, const T* branch, \
                                          const T* weight, const T* bias, int rows, int columns) {                    \
    layernormForward<T>(out, sum, mean, rstd, stream, branch, weight, bias, rows, columns);                           \
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

/** dWeight and dBias (columns) += the sums of partials (blocks, 2, columns); blockIdx.y says which, dBias may be null. */
extern "C" __global__ void __launch_bounds__(COLUMN_THREADS* COLUMN_PARTS)
    layernorm_reduce_f32(float* dWeight, float* dBias, const float* partials, int blocks, int columns) {
  float* to = blockIdx.y == 0 ? dWeight : dBias;
  if (to != nullptr) addColumnSums(to, partials + blockIdx.y * columns, blocks, 2LL * columns, columns);
}
