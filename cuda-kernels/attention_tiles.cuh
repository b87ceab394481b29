// Multi-head attention for any head size D up to 128, in single precision for any storage type: the building blocks of
// attention.cu and cross_attention.cu.
//
//   out = softmax(Q Kᵀ / √D) V
//
// Online softmax (Dao et al., "FlashAttention", 2022): the T × T matrix exists only tile by tile, in registers. A block has
// 32 queries and goes over the keys in tiles of 32; a warp owns 4 queries, a lane one key of the tile, so that the maximum
// and the sum of a row are warp reductions, and shuffles pass a probability to the lanes that sum the output. Forward
// stores the log-sum-exp of each row; backward recomputes the probabilities from it, once with warps owning queries (for
// dQ) and once with warps owning keys (for dK and dV), so that no atomics are needed.
//
// Dropout draws element ((b · heads + h) · T + query) · S + key, like the CPU.
// Bytes: forward 4·N·C·s, backward 10·N·C·s for N = B·T rows; K and V, or Q and dOut, are read from the L2 cache once per
// tile. FLOPs: forward 4·B·heads·T²·D, backward 14 (two of them again in the second pass); half of it when causal.
#pragma once

#include "attention.cuh"

namespace culebra {

constexpr int TILE = 32;
constexpr int TILE_WARPS = 8;
constexpr int OWNED = TILE / TILE_WARPS;
constexpr int MAX_HEAD = 128;
constexpr int HEAD_PARTS = MAX_HEAD / WARP;

/** The operands of one head of one sequence: T queries, and S keys and values, possibly of another sequence. */
template <typename T>
struct AttentionOperands {
  HeadRows<const T> queries, keys, values;
  int queryCount, keyCount;
  /** Keys with memory and gradients; those from keyCount on are padding, which no query sees. */
  int keyRows;
  int size;
  float scale;
  bool causal;
  /** For dropout: (firstElement + query) · S + key is the element of a query and a key. */
  int64_t firstElement;

  __device__ __forceinline__ bool sees(int query, int key) const { return key < keyCount && !(causal && key > query); }
  /** Number of keys that any query of a tile sees. */
  __device__ __forceinline__ int endOfKeys(int firstQuery) const {
    return causal ? min(keyCount, firstQuery + TILE) : keyCount;
  }
  __device__ __forceinline__ int64_t element(int query, int key) const {
    return (firstElement + query) * keyCount + key;
  }
};

/** tile[i][d] = rows[first + i][d], 0 after the last row; ld is the distance between the tile's rows. */
template <typename T>
__device__ __forceinline__ void loadTile(float* tile, int ld, HeadRows<const T> rows, int first, int time, int size) {
  const int thread = threadIdx.y * WARP + threadIdx.x;
  for (int i = thread; i < TILE * size; i += WARP * TILE_WARPS) {
    const int row = i / size, d = i % size;
    tile[row * ld + d] = first + row < time ? toFloat(rows.row(first + row)[d]) : 0;
  }
}

/** The dot products of OWNED rows, which all lanes read, with the lane's row. */
__device__ __forceinline__ void dots(float (&sums)[OWNED], const float* owned, const float* ofLane, int size) {
#pragma unroll
  for (int r = 0; r < OWNED; r++) sums[r] = 0;
  for (int d = 0; d < size; d++) {
    const float x = ofLane[d];
#pragma unroll
    for (int r = 0; r < OWNED; r++) sums[r] += owned[r * size + d] * x;
  }
}

/** sums[r][part] += Σ over lanes l of weights[r] of lane l · rows[l][part · WARP + lane]. */
__device__ __forceinline__ void addWeighted(float (&sums)[OWNED][HEAD_PARTS], const float (&weights)[OWNED],
                                            const float* rows, int ld, int size) {
  for (int l = 0; l < TILE; l++) {
    float weight[OWNED];
#pragma unroll
    for (int r = 0; r < OWNED; r++) weight[r] = __shfl_sync(ALL_LANES, weights[r], l);
#pragma unroll
    for (int part = 0; part < HEAD_PARTS; part++) {
      const int d = part * WARP + threadIdx.x;
      if (d >= size) break;
      const float x = rows[l * ld + d];
#pragma unroll
      for (int r = 0; r < OWNED; r++) sums[r][part] += weight[r] * x;
    }
  }
}

/** rows[first + r] = sums[r] · factor[r]. */
template <typename T>
__device__ __forceinline__ void storeRows(HeadRows<T> rows, const float (&sums)[OWNED][HEAD_PARTS],
                                          const float (&factors)[OWNED], int first, int time, int size) {
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    if (first + r >= time) return;
#pragma unroll
    for (int part = 0; part < HEAD_PARTS; part++) {
      const int d = part * WARP + threadIdx.x;
      if (d < size) rows.row(first + r)[d] = fromFloat<T>(sums[r][part] * factors[r]);
    }
  }
}

extern __shared__ float attentionTiles[];

template <typename T>
__device__ __forceinline__ void attentionForward(HeadRows<T> out, float* logSumExp, const AttentionOperands<T>& a,
                                                 const ProbabilityDropout& dropout) {
  const int ld = a.size + 1;
  float* queries = attentionTiles;
  float* keys = queries + TILE * a.size;
  float* values = keys + TILE * ld;
  const int firstQuery = (gridDim.x - 1 - blockIdx.x) * TILE;  // the longest rows first
  const int owned = firstQuery + threadIdx.y * OWNED;
  loadTile<T>(queries, a.size, a.queries, firstQuery, a.queryCount, a.size);

  float maximum[OWNED], sum[OWNED], output[OWNED][HEAD_PARTS] = {};
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    maximum[r] = -LARGEST;
    sum[r] = 0;
  }
  const int end = a.endOfKeys(firstQuery);
  for (int firstKey = 0; firstKey < end; firstKey += TILE) {
    __syncthreads();
    loadTile<T>(keys, ld, a.keys, firstKey, a.keyCount, a.size);
    loadTile<T>(values, ld, a.values, firstKey, a.keyCount, a.size);
    __syncthreads();
    const int key = firstKey + threadIdx.x;
    float p[OWNED];
    dots(p, queries + threadIdx.y * OWNED * a.size, keys + threadIdx.x * ld, a.size);
#pragma unroll
    for (int r = 0; r < OWNED; r++) {
      const bool seen = a.sees(owned + r, key);
      const float score = seen ? p[r] * a.scale : -LARGEST;
      const float higher = fmaxf(maximum[r], warpReduce(score, Max{}));
      const float shrink = expf(maximum[r] - higher);
      p[r] = seen ? expf(score - higher) : 0;
      sum[r] = sum[r] * shrink + warpReduce(p[r], Sum{});
      maximum[r] = higher;
#pragma unroll
      for (int part = 0; part < HEAD_PARTS; part++) output[r][part] *= shrink;
      if (dropout.p > 0) p[r] *= dropout.factor(a.element(owned + r, key));
    }
    addWeighted(output, p, values, ld, a.size);
  }

  float inverse[OWNED];
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    inverse[r] = 1 / sum[r];
    if (threadIdx.x == 0 && owned + r < a.queryCount) logSumExp[owned + r] = maximum[r] + logf(sum[r]);
  }
  storeRows<T>(out, output, inverse, owned, a.queryCount, a.size);
}

/** delta (B, heads, T) = Σ dOut · out: one warp per row and head. */
template <typename T>
__device__ __forceinline__ void attentionDelta(float* delta, const T* dOut, const T* out, int rows, int heads, int time,
                                               int size) {
  const int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (item >= static_cast<int64_t>(rows) * heads) return;
  const int64_t row = item / heads;
  const int head = item % heads;
  float sum = 0;
  for (int d = threadIdx.x; d < size; d += WARP) sum += toFloat(dOut[item * size + d]) * toFloat(out[item * size + d]);
  sum = warpReduce(sum, Sum{});
  if (threadIdx.x == 0) delta[(row / time * heads + head) * time + row % time] = sum;
}

/** dQ: like forward, with dS in place of P and K in place of V. */
template <typename T>
__device__ __forceinline__ void attentionBackwardQueries(HeadRows<T> dQueries, HeadRows<const T> dOut,
                                                         const float* logSumExp, const float* delta,
                                                         const AttentionOperands<T>& a,
                                                         const ProbabilityDropout& dropout) {
  const int ld = a.size + 1;
  float* queries = attentionTiles;
  float* gradients = queries + TILE * a.size;
  float* keys = gradients + TILE * a.size;
  float* values = keys + TILE * ld;
  const int firstQuery = (gridDim.x - 1 - blockIdx.x) * TILE;
  const int owned = firstQuery + threadIdx.y * OWNED;
  loadTile<T>(queries, a.size, a.queries, firstQuery, a.queryCount, a.size);
  loadTile<T>(gradients, a.size, dOut, firstQuery, a.queryCount, a.size);

  float lse[OWNED], rowDelta[OWNED], scales[OWNED], sums[OWNED][HEAD_PARTS] = {};
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    const bool there = owned + r < a.queryCount;
    lse[r] = there ? logSumExp[owned + r] : 0;
    rowDelta[r] = there ? delta[owned + r] : 0;
    scales[r] = a.scale;
  }
  const int end = a.endOfKeys(firstQuery);
  for (int firstKey = 0; firstKey < end; firstKey += TILE) {
    __syncthreads();
    loadTile<T>(keys, ld, a.keys, firstKey, a.keyCount, a.size);
    loadTile<T>(values, ld, a.values, firstKey, a.keyCount, a.size);
    __syncthreads();
    const int key = firstKey + threadIdx.x;
    float score[OWNED], dP[OWNED], dS[OWNED];
    dots(score, queries + threadIdx.y * OWNED * a.size, keys + threadIdx.x * ld, a.size);
    dots(dP, gradients + threadIdx.y * OWNED * a.size, values + threadIdx.x * ld, a.size);
#pragma unroll
    for (int r = 0; r < OWNED; r++) {
      const bool seen = a.sees(owned + r, key);
      const float p = seen ? expf(score[r] * a.scale - lse[r]) : 0;
      const float factor = dropout.p > 0 ? dropout.factor(a.element(owned + r, key)) : 1;
      dS[r] = p * (dP[r] * factor - rowDelta[r]);
    }
    addWeighted(sums, dS, keys, ld, a.size);
  }
  storeRows<T>(dQueries, sums, scales, owned, a.queryCount, a.size);
}

/** dK and dV: warps own keys, each lane has one query of the tile. */
template <typename T>
__device__ __forceinline__ void attentionBackwardKeys(HeadRows<T> dKeys, HeadRows<T> dValues, HeadRows<const T> dOut,
                                                      const float* logSumExp, const float* delta,
                                                      const AttentionOperands<T>& a,
                                                      const ProbabilityDropout& dropout) {
  const int ld = a.size + 1;
  float* keys = attentionTiles;
  float* values = keys + TILE * a.size;
  float* queries = values + TILE * a.size;
  float* gradients = queries + TILE * ld;
  const int firstKey = blockIdx.x * TILE;
  const int owned = firstKey + threadIdx.y * OWNED;
  loadTile<T>(keys, a.size, a.keys, firstKey, a.keyCount, a.size);
  loadTile<T>(values, a.size, a.values, firstKey, a.keyCount, a.size);

  float dK[OWNED][HEAD_PARTS] = {}, dV[OWNED][HEAD_PARTS] = {}, scales[OWNED], ones[OWNED];
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    scales[r] = a.scale;
    ones[r] = 1;
  }
  for (int firstQuery = a.causal ? firstKey : 0; firstQuery < a.queryCount; firstQuery += TILE) {
    __syncthreads();
    loadTile<T>(queries, ld, a.queries, firstQuery, a.queryCount, a.size);
    loadTile<T>(gradients, ld, dOut, firstQuery, a.queryCount, a.size);
    __syncthreads();
    const int query = firstQuery + threadIdx.x;
    const bool there = query < a.queryCount;
    const float lse = there ? logSumExp[query] : 0;
    const float rowDelta = there ? delta[query] : 0;
    float score[OWNED], dP[OWNED], p[OWNED], dS[OWNED];
    dots(score, keys + threadIdx.y * OWNED * a.size, queries + threadIdx.x * ld, a.size);
    dots(dP, values + threadIdx.y * OWNED * a.size, gradients + threadIdx.x * ld, a.size);
#pragma unroll
    for (int r = 0; r < OWNED; r++) {
      const int key = owned + r;
      const bool seen = there && a.sees(query, key);
      const float exact = seen ? expf(score[r] * a.scale - lse) : 0;
      const float factor = dropout.p > 0 ? dropout.factor(a.element(query, key)) : 1;
      p[r] = exact * factor;
      dS[r] = exact * (dP[r] * factor - rowDelta);
    }
    addWeighted(dV, p, gradients, ld, a.size);
    addWeighted(dK, dS, queries, ld, a.size);
  }
  storeRows<T>(dKeys, dK, scales, owned, a.keyRows, a.size);
  storeRows<T>(dValues, dV, ones, owned, a.keyRows, a.size);
}

}  // namespace culebra
