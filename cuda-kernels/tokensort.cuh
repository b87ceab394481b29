// One pass of a stable sort of rows by their tokens, 8 bits of the token per pass, for the embedding's gradient.
#pragma once

#include "common.cuh"

namespace culebra {

constexpr int DIGIT_BITS = 8;
constexpr int DIGITS = 1 << DIGIT_BITS;
constexpr int SORT_THREADS = 1024;
constexpr int SORT_WARPS = SORT_THREADS / WARP;

/** Loads of a thread in flight at once. */
constexpr int AHEAD = 8;

/** The token of a row as backward sees it. */
__device__ __forceinline__ int tokenOf(const int* tokens, int row, int vocab) {
  const int token = tokens[row];
  return token >= 0 && token < vocab ? token : vocab;
}

/** The row at place i before this pass; before the first pass rows are in their original order. */
__device__ __forceinline__ int rowAt(const int* order, int i) { return order == nullptr ? i : order[i]; }

/** The lanes of the warp with the same digit. */
__device__ __forceinline__ unsigned lanesOfDigit(int digit) {
  unsigned lanes = ALL_LANES;
#pragma unroll
  for (int bit = 0; bit < DIGIT_BITS; bit++) {
    const bool set = digit >> bit & 1;
    const unsigned withBit = __ballot_sync(ALL_LANES, set);
    lanes &= set ? withBit : ~withBit;
  }
  return lanes;
}

/** Digit counts of a pass, later places, in shared memory. */
struct DigitCounts {
  int everywhere[DIGITS];
  int inBlocksBefore[DIGITS];
  int ofWarp[SORT_WARPS][DIGITS];
};

/** The digit of the row at a place; -1 if there is none. */
__device__ __forceinline__ int digitAt(const int* order, const int* tokens, int place, int rows, int vocab, int shift) {
  return place < rows ? tokenOf(tokens, rowAt(order, place), vocab) >> shift & (DIGITS - 1) : -1;
}

/** A digit, and the lanes of the warp that share it; none if there is no row. */
struct LaneDigit {
  int digit;
  unsigned peers;

  __device__ __forceinline__ explicit LaneDigit(int digit) : digit(digit) {
    const bool exists = digit >= 0;
    peers = __ballot_sync(ALL_LANES, exists) & lanesOfDigit(digit);
    if (!exists) peers = 0;
  }

  /** Whether this lane is the first of its peers. */
  __device__ __forceinline__ bool first() const { return static_cast<int>(threadIdx.x % WARP) == __ffs(peers) - 1; }

  __device__ __forceinline__ int lanesBefore() const { return __popc(peers & ((1u << threadIdx.x % WARP) - 1)); }
};

/** Counts the digits of all rows; the block's own rows, which start at blockStart, warp by warp. */
__device__ __forceinline__ void countDigits(DigitCounts& counts, const int* order, const int* tokens, int blockStart,
                                            int rows, int vocab, int shift) {
  if (threadIdx.x < DIGITS) {
    counts.everywhere[threadIdx.x] = 0;
    counts.inBlocksBefore[threadIdx.x] = 0;
    for (int w = 0; w < SORT_WARPS; w++) counts.ofWarp[w][threadIdx.x] = 0;
  }
  __syncthreads();
  for (int first = 0; first < rows; first += AHEAD * SORT_THREADS) {
    int digits[AHEAD];  // all loads are in flight before the first wait
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
      digits[i] = digitAt(order, tokens, first + i * SORT_THREADS + threadIdx.x, rows, vocab, shift);
    }
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
      const int start = first + i * SORT_THREADS;
      if (start >= rows) break;
      const LaneDigit lane(digits[i]);
      if (!lane.first()) continue;
      const int count = __popc(lane.peers);
      atomicAdd(&counts.everywhere[lane.digit], count);
      if (start < blockStart) atomicAdd(&counts.inBlocksBefore[lane.digit], count);
      if (start == blockStart) counts.ofWarp[threadIdx.x / WARP][lane.digit] = count;
    }
  }
  __syncthreads();
}

/** everywhere[d] = the place where digit d starts; ofWarp[w][d] = how many of them come before those of the warp. */
__device__ __forceinline__ void countsToPlaces(DigitCounts& counts) {
  if (threadIdx.x < DIGITS) {
    int sum = counts.inBlocksBefore[threadIdx.x];
    for (int w = 0; w < SORT_WARPS; w++) {
      const int count = counts.ofWarp[w][threadIdx.x];
      counts.ofWarp[w][threadIdx.x] = sum;
      sum += count;
    }
  }
  if (threadIdx.x < WARP) {
    int sum = 0;
    for (int digit = threadIdx.x; digit < DIGITS; digit += WARP) {
      const int count = counts.everywhere[digit];
      int upTo = count;
#pragma unroll
      for (int distance = 1; distance < WARP; distance *= 2) {
        const int below = __shfl_up_sync(ALL_LANES, upTo, distance);
        if (threadIdx.x >= distance) upTo += below;
      }
      counts.everywhere[digit] = sum + upTo - count;
      sum += __shfl_sync(ALL_LANES, upTo, WARP - 1);
    }
  }
  __syncthreads();
}

/**
 * One stable pass by the digit at `shift`: each block places the SORT_THREADS rows from blockIdx.x · SORT_THREADS on. A
 * row's new place is the number of smaller digits anywhere, and of equal ones in blocks, warps and lanes before.
 */
__device__ __forceinline__ void sortPass(int* sorted, const int* order, const int* tokens, int rows, int vocab,
                                         int shift) {
  __shared__ DigitCounts counts;
  const int blockStart = blockIdx.x * SORT_THREADS;
  countDigits(counts, order, tokens, blockStart, rows, vocab, shift);
  countsToPlaces(counts);
  const int place = blockStart + threadIdx.x;
  const LaneDigit lane(digitAt(order, tokens, place, rows, vocab, shift));
  if (place >= rows) return;
  const int inWarpsBefore = counts.ofWarp[threadIdx.x / WARP][lane.digit];
  sorted[counts.everywhere[lane.digit] + inWarpsBefore + lane.lanesBefore()] = rowAt(order, place);
}

}  // namespace culebra
