// One pass of a stable sort of rows by their tokens, 8 bits of the token a pass, for the embedding's gradient.
#pragma once

#include "common.cuh"

namespace culebra {

constexpr int DIGIT_BITS = 8;
constexpr int DIGITS = 1 << DIGIT_BITS;
constexpr int SORT_THREADS = 1024;
constexpr int SORT_WARPS = SORT_THREADS / WARP;

/** The token of a row as backward sees it. */
__device__ __forceinline__ int tokenOf(const int* tokens, int row, int vocab) {
  const int token = tokens[row];
  return token >= 0 && token < vocab ? token : vocab;
}

/** The row that stands at place i before this pass; before the first one rows stand in their own order. */
__device__ __forceinline__ int rowAt(const int* order, int i) { return order == nullptr ? i : order[i]; }

__device__ __forceinline__ int digitOf(int token, int shift) {
  return token >> shift & (DIGITS - 1);
}

/** The lanes of the warp that have the same digit. */
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

/**
 * One stable pass by the digit at `shift`: block b places its SORT_THREADS rows, those at b · SORT_THREADS and so on. A
 * row's new place is the number of smaller digits anywhere, of equal ones in blocks before, in warps before, and in
 * lanes before.
 */
__device__ __forceinline__ void sortPass(int* sorted, const int* order, const int* tokens, int rows, int vocab,
                                         int shift) {
  __shared__ int everywhere[DIGITS];
  __shared__ int before[DIGITS];
  __shared__ int ofWarp[SORT_WARPS][DIGITS];
  const int thread = threadIdx.x;
  const int lane = thread % WARP;
  const int warp = thread / WARP;
  if (thread < DIGITS) {
    everywhere[thread] = 0;
    before[thread] = 0;
  }
  for (int i = thread; i < SORT_WARPS * DIGITS; i += SORT_THREADS) ofWarp[i / DIGITS][i % DIGITS] = 0;
  __syncthreads();

  const int blockStart = blockIdx.x * SORT_THREADS;
  for (int start = 0; start < rows; start += SORT_THREADS) {
    const int i = start + thread;
    const int digit = i < rows ? digitOf(tokenOf(tokens, rowAt(order, i), vocab), shift) : -1;
    const unsigned peers = lanesOfDigit(digit) & __ballot_sync(ALL_LANES, i < rows);
    if (i < rows && lane == __ffs(peers) - 1) {
      atomicAdd(&everywhere[digit], __popc(peers));
      if (start < blockStart) atomicAdd(&before[digit], __popc(peers));
      if (start == blockStart) ofWarp[warp][digit] = __popc(peers);
    }
  }
  __syncthreads();

  // From counts to places: digit d begins where all smaller ones end.
  if (thread < DIGITS) {
    int sum = before[thread];
    for (int w = 0; w < SORT_WARPS; w++) {
      const int count = ofWarp[w][thread];
      ofWarp[w][thread] = sum;
      sum += count;
    }
  }
  if (warp == 0) {
    int sum = 0;
    for (int first = 0; first < DIGITS; first += WARP) {
      const int count = everywhere[first + lane];
      int upTo = count;
#pragma unroll
      for (int distance = 1; distance < WARP; distance *= 2) {
        const int below = __shfl_up_sync(ALL_LANES, upTo, distance);
        if (lane >= distance) upTo += below;
      }
      everywhere[first + lane] = sum + upTo - count;
      sum += __shfl_sync(ALL_LANES, upTo, WARP - 1);
    }
  }
  __syncthreads();

  const int i = blockStart + thread;
  const int row = i < rows ? rowAt(order, i) : 0;
  const int digit = i < rows ? digitOf(tokenOf(tokens, row, vocab), shift) : -1;
  const unsigned peers = lanesOfDigit(digit) & __ballot_sync(ALL_LANES, i < rows);
  if (i < rows) {
    const int lanesBefore = __popc(peers & ((1u << lane) - 1));
    sorted[everywhere[digit] + ofWarp[warp][digit] + lanesBefore] = row;
  }
}

}  // namespace culebra
