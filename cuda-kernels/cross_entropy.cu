// Softmax, cross-entropy and the gradient of the logits, fused and in place; probabilities are never stored.
//
//   loss = log Σ exp(logits) − logits[target],  dLogits = (softmax(logits) − onehot(target)) · slope
//   slope = scale / number of targets not ignored;  columns from `vocab` on are padding, their gradient is 0
//
// A row belongs to one block, or if it is short to one warp. There are two schemes.
//   held    A bf16 row of up to 51200 columns is kept in the registers of its block, 20 packs per thread, and is read and
//           written once. Each warp uses its own maximum for its sum of exponentials, so that one barrier per row is
//           enough; exponentials are computed twice, since there is no room to keep them. Of the two blocks on a
//           multiprocessor, one waits for memory while the other computes and stores. Unused packs of a narrower row are
//           computed too, so this pays off if at least half of the packs are used.
//   general Any row. The first pass keeps a running maximum and sum of exponentials for each thread (Milakov and
//           Gimelshein, "Online normalizer calculation for softmax", 2018), with one rescaling per 4 packs; the second
//           writes the gradient. A row of up to 16384 elements of bf16 (8192 of float) stays in registers between the
//           passes, a longer one is read again from the L1 or L2 cache.
// Rows go from last to first, since the preceding product wrote the last ones most recently.
//
// Bytes for (N, V) logits of s bytes: forward N·V·s, with backward 2·N·V·s.
// A target that is neither a token nor IGNORE makes the row's loss and gradient NaN, since kernels cannot throw.
#include "common.cuh"

namespace culebra {

constexpr int IGNORE = -1;
constexpr int ROW_PACKS = 4;
constexpr int ROW_THREADS = 512;
constexpr int TOTAL_THREADS = 1024;

/** Packs of a row per thread in registers, and threads per block: two blocks use all registers. */
constexpr int HELD_PACKS = 20;
constexpr int HELD_THREADS = 320;

constexpr float LOG2_E = 1.4426950408889634f;

/** The initial value of a maximum: unlike −∞, its difference from itself is not NaN. */
constexpr float LEAST = -1e38f;

constexpr double LN_2 = 0.6931471805599453;

/** exp(x); if results are rounded to bf16, on the special function unit only. */
template <typename T>
__device__ __forceinline__ float exponential(float x) {
  return sizeof(T) == 2 ? __expf(x) : expf(x);
}

template <typename T, int V>
struct LogitsRow {
  using P = Pack<T, V>;

  T* const row;
  const int columns;
  const int vocab;
  P x[ROW_PACKS];

  __device__ __forceinline__ LogitsRow(T* row, int columns, int vocab) : row(row), columns(columns), vocab(vocab) {}

  /** Reads the thread's part of the chunk into x; padding is −∞. */
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

  /** Largest logit and Σ exp(logit − largest), of the whole row, in all its threads. */
  __device__ __forceinline__ float2 maxAndSum() {
    const RowTile<V, ROW_PACKS> tile(columns);
    float max = -LARGEST;  // not −∞, whose difference from itself is NaN
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

  /** Replaces the logits with the gradient. */
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

  /** The gradient of an ignored row. */
  __device__ __forceinline__ void writeZeros() {
    P zeros;
#pragma unroll
    for (int i = 0; i < V; i++) zeros.set(i, 0);
    for (int column = threadIdx.x * V; column < columns; column += blockDim.x * V) store<V>(row + column, zeros);
  }
};

template <bool backward, typename T, int V>
__device__ __forceinline__ void crossEntropy(float* losses, T* logits, const int* targets, const int* counted,
                                             float scale, int rows, int columns, int vocab) {
  const float slope = backward ? scale / max(*counted, 1) : 0;
  for (int r = firstRow(); r < rows; r += rowStride()) {
    const int row = rows - 1 - r;
    const int target = targets[row];
    LogitsRow<T, V> logitsRow(logits + static_cast<int64_t>(row) * columns, columns, vocab);
    if (target == IGNORE) {
      if (threadIdx.x == 0) losses[row] = 0;
      if (backward) logitsRow.writeZeros();
      continue;
    }
    const bool valid = target >= 0 && target < vocab;
    const float2 maxAndSum = logitsRow.maxAndSum();
    // The thread that will overwrite the target's logit reads it.
    if (threadIdx.x == (valid ? target / V % blockDim.x : 0)) {
      const float logit = valid ? toFloat(logitsRow.row[target]) : notANumber();
      losses[row] = logf(maxAndSum.y) + (maxAndSum.x - logit);
    }
    if (backward) logitsRow.writeGradient(maxAndSum, target, valid ? slope : notANumber());
  }
}

/** A row of bf16 in the registers of a block: thread x has packs x, x + HELD_THREADS, … */
struct HeldRow {
  static constexpr int V = PACK<bf16>;
  using P = Pack<bf16, V>;
  static constexpr int PAIRS = V / 2;
  static constexpr int STRIDE = HELD_THREADS * V;
  static constexpr uint32_t NOTHING = 0xff80ff80;  // −∞ twice

  bf16* const first;  // of the thread's packs
  const int columns;  // of the row from there on
  uint32_t x[HELD_PACKS][PAIRS];

  /** Missing logits are −∞, so that the arithmetic needs no checks. */
  __device__ __forceinline__ void load(int vocab) {
#pragma unroll
    for (int k = 0; k < HELD_PACKS; k++) {
#pragma unroll
      for (int i = 0; i < PAIRS; i++) x[k][i] = NOTHING;
      if (k * STRIDE < columns) memcpy(x[k], loadOnce<V>(first + k * STRIDE).words, sizeof x[k]);
    }
#pragma unroll
    for (int k = 0; k < HELD_PACKS; k++) {
      if (k * STRIDE + V > vocab) {
#pragma unroll
        for (int i = 0; i < PAIRS; i++) {
          if (k * STRIDE + 2 * i >= vocab) x[k][i] = (x[k][i] & 0xffff0000) | (NOTHING & 0xffff);
          if (k * STRIDE + 2 * i + 1 >= vocab) x[k][i] = (x[k][i] & 0xffff) | (NOTHING & 0xffff0000);
        }
      }
    }
  }

  /** exp(logit) · 2^-reference; one multiply-add and the special function unit. */
  static __device__ __forceinline__ float scaled(float logit, float reference) {
    return powerOf2(fmaf(logit, LOG2_E, -reference));
  }

  /** The power of 2 closest to the exponential of the thread's largest logit, so that rescaling is exact. */
  __device__ __forceinline__ float reference() const {
    uint32_t largest = NOTHING;
#pragma unroll
    for (int k = 0; k < HELD_PACKS; k++) {
      largest = maxOfPairs(largest, maxOfPairs(maxOfPairs(x[k][0], x[k][1]), maxOfPairs(x[k][2], x[k][3])));
    }
    return rintf(fmaxf(fmaxf(lowOf(largest), highOf(largest)), LEAST) * LOG2_E);
  }

  __device__ __forceinline__ float sum(float reference) const {
    float sum = 0;
#pragma unroll
    for (int k = 0; k < HELD_PACKS; k++) {
#pragma unroll
      for (int i = 0; i < PAIRS; i++) {
        sum += scaled(lowOf(x[k][i]), reference);
        sum += scaled(highOf(x[k][i]), reference);
      }
    }
    return sum;
  }

  /** Replaces the logits with probabilities · factor; with zeros if `zero`, for any logits. */
  __device__ __forceinline__ void write(float reference, float factor, bool zero) {
#pragma unroll
    for (int k = 0; k < HELD_PACKS; k++) {
      if (k * STRIDE >= columns) break;
#pragma unroll
      for (int i = 0; i < PAIRS; i++) {
        // Not lowOf and highOf: the compiler would keep their values from the pass for the sum, for which there are no
        // registers.
        const float lower = __uint_as_float(__byte_perm(x[k][i], 0, 0x1044));
        const float upper = __uint_as_float(__byte_perm(x[k][i], 0, 0x3244));
        x[k][i] = zero ? 0 : bf16Pair(scaled(lower, reference) * factor, scaled(upper, reference) * factor);
      }
      P pack;
      memcpy(pack.words, x[k], sizeof x[k]);
      storeOnce<V>(first + k * STRIDE, pack);
    }
  }
};

/** One row per block. */
template <bool backward>
__device__ __forceinline__ void crossEntropyHeld(float* losses, bf16* logits, const int* targets, const int* counted,
                                                 float scale, int rows, int columns, int vocab) {
  constexpr int V = PACK<bf16>;
  __shared__ float2 ofWarp[HELD_THREADS / WARP];  // reference, sum of exponentials
  const int row = rows - 1 - blockIdx.x;
  bf16* const logitsOfRow = logits + static_cast<int64_t>(row) * columns;
  const int before = threadIdx.x * V;  // columns
  HeldRow held{logitsOfRow + before, columns - before};
  held.load(vocab - before);
  const int target = targets[row];
  const bool ignored = target == IGNORE;
  const bool valid = target >= 0 && target < vocab;
  // The thread that will overwrite the target's logit reads it.
  const bool owner = threadIdx.x == (valid ? target / V % HELD_THREADS : 0);
  const float logit = owner && valid ? toFloat(logitsOfRow[target]) : notANumber();

  const float ofThisWarp = warpReduce(held.reference(), Max{});
  const float sumOfThisWarp = warpReduce(held.sum(ofThisWarp), Sum{});
  const int lane = threadIdx.x % WARP;
  if (lane == 0) ofWarp[threadIdx.x / WARP] = make_float2(ofThisWarp, sumOfThisWarp);
  __syncthreads();
  const float2 other = lane < HELD_THREADS / WARP ? ofWarp[lane] : make_float2(LEAST, 0);
  const float reference = warpReduce(other.x, Max{});
  const float sum = warpReduce(other.y * powerOf2(other.x - reference), Sum{});
  if (owner) losses[row] = ignored ? 0 : logf(sum) + static_cast<float>(reference * LN_2 - logit);
  if (backward) {
    const float slope = valid ? __fdividef(scale, max(*counted, 1)) : notANumber();
    const float factor = __fdividef(slope, sum);
    const bf16 atTarget = fromFloat<bf16>(held.scaled(logit, reference) * factor - slope);
    held.write(reference, factor, ignored);
    if (owner && valid) logitsOfRow[target] = atTarget;
  }
}

template <bool backward, typename T>
__device__ __forceinline__ void crossEntropy(float* losses, T* logits, const int* targets, const int* counted,
                                             float scale, int rows, int columns, int vocab) {
  if (columns % PACK<T> == 0 && aligned(logits)) {
    crossEntropy<backward, T, PACK<T>>(losses, logits, targets, counted, scale, rows, columns, vocab);
  } else {
    crossEntropy<backward, T, 1>(losses, logits, targets, counted, scale, rows, columns, vocab);
  }
}

}  // namespace culebra

using namespace culebra;

#define CROSS_ENTROPY(T, SUFFIX)                                                                                      \
  extern "C" __global__ void __launch_bounds__(ROW_THREADS, 2)                                                        \
      cross_entropy_forward_##SUFFIX(float* losses, const T* logits, const int* targets, int rows, int columns,       \
                                     int vocab) {                                                                     \
    crossEntropy<false>(losses, const_cast<T*>(logits), targets, nullptr, 0, rows, columns, vocab);                   \
  }                                                                                                                   \
  /** counted (1): the number of targets not ignored. */                                                               \
  extern "C" __global__ void __launch_bounds__(ROW_THREADS, 2)                                                        \
      cross_entropy_forward_backward_##SUFFIX(float* losses, T* logits, const int* targets, const int* counted,       \
                                              float scale, int rows, int columns, int vocab) {                        \
    crossEntropy<true>(losses, logits, targets, counted, scale, rows, columns, vocab);                                \
  }

CROSS_ENTROPY(float, f32)
CROSS_ENTROPY(bf16, bf16)

extern "C" __global__ void __launch_bounds__(HELD_THREADS, 2)
    cross_entropy_held_forward_bf16(float* losses, const bf16* logits, const int* targets, int rows, int columns, int vocab) {
  crossEntropyHeld<false>(losses, const_cast<bf16*>(logits), targets, nullptr, 0, rows, columns, vocab);
}

extern "C" __global__ void __launch_bounds__(HELD_THREADS, 2)
    cross_entropy_held_forward_backward_bf16(float* losses, bf16* logits, const int* targets, const int* counted, float scale,
                                          int rows, int columns, int vocab) {
  crossEntropyHeld<true>(losses, logits, targets, counted, scale, rows, columns, vocab);
}

/** counted (1) = the number of targets that are not IGNORE. One block. */
extern "C" __global__ void __launch_bounds__(TOTAL_THREADS)
    cross_entropy_count_i32(int* counted, const int* targets, int rows) {
  int count = 0;
#pragma unroll 8
  for (int row = threadIdx.x; row < rows; row += blockDim.x) count += targets[row] != IGNORE;
  count = rowReduce(count, Sum{});
  if (threadIdx.x == 0) *counted = count;
}

/** meanLoss (1) += scale · mean of the losses not ignored. One block; sums in double precision in a fixed order. */
extern "C" __global__ void __launch_bounds__(TOTAL_THREADS)
    cross_entropy_mean_f32(float* meanLoss, const float* losses, const int* counted, float scale, int rows) {
  double sum = 0;
#pragma unroll 8
  for (int row = threadIdx.x; row < rows; row += blockDim.x) sum += losses[row];
  sum = rowReduce(sum, Sum{});
  if (threadIdx.x == 0) *meanLoss = static_cast<float>(*meanLoss + scale * sum / max(*counted, 1));
}
