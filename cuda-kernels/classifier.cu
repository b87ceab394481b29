// Fused classifier: softmax, cross-entropy and the gradient of the logits, in place; probabilities are never stored.
//
//   loss = log Σ exp(logits) − logits[target],  dLogits = (softmax(logits) − onehot(target)) · slope
//   slope = scale / number of targets that count;  columns from `vocab` on are padding, their gradient is 0
//
// A row belongs to one block, or to one warp where it is short. The first pass keeps a running maximum and sum of
// exponentials for each thread (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018), one rescaling
// for each 4 packs; the second writes the gradient. A row of up to 16384 elements of bf16 (8192 of float) stays in
// registers between the passes, a longer one is read again from the L1 or L2 cache: at 50304 columns in registers only
// one block would fit on a multiprocessor, and its loads, arithmetic and stores would take turns. Rows go from last to
// first, since the product before wrote the last ones most recently.
//
// Bytes for (N, V) logits of s bytes: forward N·V·s, with backward 2·N·V·s.
// A target that is neither a token nor IGNORE makes the row's loss and gradient NaN, since kernels cannot throw.
#include "common.cuh"

namespace culebra {

constexpr int IGNORE = -1;
constexpr int ROW_PACKS = 4;
constexpr int ROW_THREADS = 512;
constexpr int TOTAL_THREADS = 1024;

/** exp(x); where results are rounded to bf16, by the special function unit alone. */
template <typename T>
__device__ __forceinline__ float exponential(float x) {
  return sizeof(T) == 2 ? __expf(x) : expf(x);
}

template <typename T, int V>
struct Classifier {
  using P = Pack<T, V>;

  T* const row;
  const int columns;
  const int vocab;
  P x[ROW_PACKS];

  __device__ __forceinline__ Classifier(T* row, int columns, int vocab) : row(row), columns(columns), vocab(vocab) {}

  /** Reads what the thread has of the chunk into x; padding is −∞. */
  __device__ __forceinline__ void load(const RowTile<V, ROW_PACKS>& tile, int chunk) {
    tile.forEach(chunk, [&](int k, int column) { x[k] = culebra::load<V>(row + column); });
    tile.forEach(chunk, [&](int k, int column) {
      if (column + V > vocab) {
#pragma unroll
        for (int i = 0; i < V; i++) {
          if (column + i >= vocab) x[k].set(i, Max::neutral<float>());
        }
      }
    });
  }

  /** Largest logit and Σ exp(logit − largest), of the whole row in all its threads. */
  __device__ __forceinline__ float2 maxAndSum() {
    const RowTile<V, ROW_PACKS> tile(columns);
    float max = -LARGEST;  // and not −∞, whose difference to itself is no number
    float sum = 0;
    for (int chunk = 0; chunk < tile.chunks(); chunk++) {
      load(tile, chunk);
      const float before = max;
      tile.forEach(chunk, [&](int k, int) {
#pragma unroll
        for (int i = 0; i < V; i++) max = Max{}(max, x[k][i]);
      });
      sum *= exponential<T>(before - max);
      tile.forEach(chunk, [&](int k, int) {
#pragma unroll
        for (int i = 0; i < V; i++) sum += exponential<T>(x[k][i] - max);
      });
    }
    const float largest = rowReduce(max, Max{});
    return make_float2(largest, rowReduce(sum * exponential<T>(max - largest), Sum{}));
  }

  /** Puts the gradient in the place of the logits. */
  __device__ __forceinline__ void writeGradient(float2 maxAndSum, int target, float slope) {
    const RowTile<V, ROW_PACKS> tile(columns);
    const float factor = slope / maxAndSum.y;
    const int chunks = tile.chunks();
    for (int chunk = 0; chunk < chunks; chunk++) {
      if (chunks > 1) load(tile, chunk);
      tile.forEach(chunk, [&](int k, int column) {
        const bool hit = target >= column && target < column + V;
        P d;
#pragma unroll
        for (int i = 0; i < V; i++) {
          const float gradient = exponential<T>(x[k][i] - maxAndSum.x) * factor;
          d.set(i, hit && column + i == target ? gradient - slope : gradient);
        }
        store<V>(row + column, d);
      });
    }
  }

  /** The gradient of a row that does not count. */
  __device__ __forceinline__ void writeZeros() {
    P zeros;
#pragma unroll
    for (int i = 0; i < V; i++) zeros.set(i, 0);
    for (int column = threadIdx.x * V; column < columns; column += blockDim.x * V) store<V>(row + column, zeros);
  }
};

template <bool backward, typename T, int V>
__device__ __forceinline__ void classify(float* losses, T* logits, const int* targets, const int* counted, float scale,
                                         int rows, int columns, int vocab) {
  const float slope = backward ? scale / max(*counted, 1) : 0;
  for (int r = firstRow(); r < rows; r += rowStride()) {
    const int row = rows - 1 - r;
    const int target = targets[row];
    Classifier<T, V> classifier(logits + static_cast<int64_t>(row) * columns, columns, vocab);
    if (target == IGNORE) {
      if (threadIdx.x == 0) losses[row] = 0;
      if (backward) classifier.writeZeros();
      continue;
    }
    const bool valid = target >= 0 && target < vocab;
    const float2 maxAndSum = classifier.maxAndSum();
    // The thread that will overwrite the target's logit reads it.
    if (threadIdx.x == (valid ? target / V % blockDim.x : 0)) {
      const float logit = valid ? toFloat(classifier.row[target]) : notANumber();
      losses[row] = logf(maxAndSum.y) + (maxAndSum.x - logit);
    }
    if (backward) classifier.writeGradient(maxAndSum, target, valid ? slope : notANumber());
  }
}

template <bool backward, typename T>
__device__ __forceinline__ void classify(float* losses, T* logits, const int* targets, const int* counted, float scale,
                                         int rows, int columns, int vocab) {
  if (columns % PACK<T> == 0 && aligned(logits)) {
    classify<backward, T, PACK<T>>(losses, logits, targets, counted, scale, rows, columns, vocab);
  } else {
    classify<backward, T, 1>(losses, logits, targets, counted, scale, rows, columns, vocab);
  }
}

}  // namespace culebra

using namespace culebra;

#define CLASSIFIER(T, SUFFIX)                                                                                         \
  extern "C" __global__ void __launch_bounds__(ROW_THREADS, 2)                                                        \
      classifier_forward_##SUFFIX(float* losses, const T* logits, const int* targets, int rows, int columns,          \
                                  int vocab) {                                                                        \
    classify<false>(losses, const_cast<T*>(logits), targets, nullptr, 0, rows, columns, vocab);                       \
  }                                                                                                                   \
  /** counted (1): the number of targets that count. */                                                               \
  extern "C" __global__ void __launch_bounds__(ROW_THREADS, 2)                                                        \
      classifier_forward_backward_##SUFFIX(float* losses, T* logits, const int* targets, const int* counted,          \
                                           float scale, int rows, int columns, int vocab) {                           \
    classify<true>(losses, logits, targets, counted, scale, rows, columns, vocab);                                    \
  }

CLASSIFIER(float, f32)
CLASSIFIER(bf16, bf16)

/** counted (1) = the number of targets that are not IGNORE. One block. */
extern "C" __global__ void __launch_bounds__(TOTAL_THREADS)
    classifier_count_i32(int* counted, const int* targets, int rows) {
  int count = 0;
  for (int row = threadIdx.x; row < rows; row += blockDim.x) count += targets[row] != IGNORE;
  count = rowReduce(count, Sum{});
  if (threadIdx.x == 0) *counted = count;
}

/** meanLoss (1) += scale · mean of the losses that count. One block; sums in double precision in a fixed order. */
extern "C" __global__ void __launch_bounds__(TOTAL_THREADS)
    classifier_mean_f32(float* meanLoss, const float* losses, const int* counted, float scale, int rows) {
  double sum = 0;
  for (int row = threadIdx.x; row < rows; row += blockDim.x) sum += losses[row];
  sum = rowReduce(sum, Sum{});
  if (threadIdx.x == 0) *meanLoss = static_cast<float>(*meanLoss + scale * sum / max(*counted, 1));
}
