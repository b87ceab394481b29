// Causal or full multi-head attention for any head size D up to 128, in single precision whatever the storage: for fp32
// training, and for head sizes that the tensor-core kernels do not take.
//
//   out = softmax(Q Kᵀ / √D) V for each head, straight from the packed projection (B, T, 3, heads, D)
//
// Online softmax (Dao et al., "FlashAttention", 2022): the T × T matrix exists only tile by tile, in registers. A block has
// 32 queries and goes over the keys in tiles of 32; a warp owns 4 queries, a lane one key of the tile, so that the maximum
// and the sum of a row are a warp's reduction and a probability goes to the lanes that add up the output by a shuffle.
// Forward leaves the log-sum-exp of each row; backward computes the probabilities again from it, once with a warp owning
// queries (for dQ) and once with a warp owning keys (for dK and dV), so that nothing is added up by atomics.
//
// Dropout draws the number of element ((b · heads + h) · T + query) · T + key, as the CPU does.
// Bytes: forward 4·N·C·s, backward 10·N·C·s for N = B·T rows; K and V, or Q and dOut, are read from the L2 cache once a
// tile. FLOPs: forward 4·B·heads·T²·D, backward 14 (two of them again in the second pass); half of it when causal.
#include "philox.cuh"

namespace culebra {

constexpr int TILE = 32;
constexpr int TILE_WARPS = 8;
constexpr int OWNED = TILE / TILE_WARPS;
constexpr int MAX_HEAD = 128;
constexpr int HEAD_PARTS = MAX_HEAD / WARP;

/** Where a head's rows lie: element d of row t is at base[t · stride + d]. */
template <typename T>
struct HeadRows {
  T* base;
  int64_t stride;

  __device__ __forceinline__ T* row(int t) const { return base + t * stride; }
};

/** What all attention kernels of a head know. */
template <typename T>
struct AttentionHead {
  int batch, head, heads, time, size, width;
  bool causal;
  float scale;

  __device__ __forceinline__ AttentionHead(int heads, int time, int size, int causal)
      : batch(blockIdx.z), head(blockIdx.y), heads(heads), time(time), size(size), width(heads * size),
        causal(causal != 0), scale(rsqrtf(static_cast<float>(size))) {}

  /** Part 0, 1, 2 of the packed rows is Q, K, V. */
  template <typename P>
  __device__ __forceinline__ HeadRows<P> packed(P* qkv, int part) const {
    return {qkv + static_cast<int64_t>(batch) * time * 3 * width + part * width + head * size, 3LL * width};
  }
  template <typename P>
  __device__ __forceinline__ HeadRows<P> plain(P* rows) const {
    return {rows + static_cast<int64_t>(batch) * time * width + head * size, width};
  }
  /** Row statistics (B, heads, T). */
  template <typename P>
  __device__ __forceinline__ P* statistics(P* all) const {
    return all + (static_cast<int64_t>(batch) * heads + head) * time;
  }
};

/** The factor that dropout puts on a probability. */
struct ProbabilityDropout {
  const int* state;
  int site;
  float p;
  float keptScale;

  __device__ __forceinline__ float factor(int64_t element) const {
    if (p == 0) return 1;
    const float u = uniform(word(Draws(state, site).words(element / 4), element % 4));
    return u < p ? 0 : keptScale;
  }
};

/** tile[i][d] = rows[first + i][d], 0 behind the last row; ld is the distance of the tile's rows. */
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
__device__ __forceinline__ void attentionForward(T* out, float* logSumExp, const T* qkv, const AttentionHead<T>& a,
                                                 const ProbabilityDropout& dropout) {
  const int ld = a.size + 1;
  float* queries = attentionTiles;
  float* keys = queries + TILE * a.size;
  float* values = keys + TILE * ld;
  const int firstQuery = (gridDim.x - 1 - blockIdx.x) * TILE;  // the longest rows first
  const int owned = firstQuery + threadIdx.y * OWNED;
  const int64_t element = (static_cast<int64_t>(a.batch) * a.heads + a.head) * a.time;
  loadTile<T>(queries, a.size, a.packed(qkv, 0), firstQuery, a.time, a.size);

  float maximum[OWNED], sum[OWNED], output[OWNED][HEAD_PARTS] = {};
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    maximum[r] = -LARGEST;
    sum[r] = 0;
  }
  const int end = a.causal ? min(a.time, firstQuery + TILE) : a.time;
  for (int firstKey = 0; firstKey < end; firstKey += TILE) {
    __syncthreads();
    loadTile<T>(keys, ld, a.packed(qkv, 1), firstKey, a.time, a.size);
    loadTile<T>(values, ld, a.packed(qkv, 2), firstKey, a.time, a.size);
    __syncthreads();
    const int key = firstKey + threadIdx.x;
    float p[OWNED];
    dots(p, queries + threadIdx.y * OWNED * a.size, keys + threadIdx.x * ld, a.size);
#pragma unroll
    for (int r = 0; r < OWNED; r++) {
      const bool seen = key < a.time && !(a.causal && key > owned + r);
      const float score = seen ? p[r] * a.scale : -LARGEST;
      const float higher = fmaxf(maximum[r], warpReduce(score, Max{}));
      const float shrink = expf(maximum[r] - higher);
      p[r] = seen ? expf(score - higher) : 0;
      sum[r] = sum[r] * shrink + warpReduce(p[r], Sum{});
      maximum[r] = higher;
#pragma unroll
      for (int part = 0; part < HEAD_PARTS; part++) output[r][part] *= shrink;
      if (dropout.p > 0) p[r] *= dropout.factor((element + owned + r) * a.time + key);
    }
    addWeighted(output, p, values, ld, a.size);
  }

  float inverse[OWNED];
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    inverse[r] = 1 / sum[r];
    if (threadIdx.x == 0 && owned + r < a.time) a.statistics(logSumExp)[owned + r] = maximum[r] + logf(sum[r]);
  }
  storeRows<T>(a.plain(out), output, inverse, owned, a.time, a.size);
}

/** delta (B, heads, T) = Σ dOut · out: a warp a row and head. */
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

/** dQ: as forward, with dS in the place of P and K in that of V. */
template <typename T>
__device__ __forceinline__ void attentionBackwardQueries(T* dQkv, const T* dOut, const float* logSumExp,
                                                         const float* delta, const T* qkv, const AttentionHead<T>& a,
                                                         const ProbabilityDropout& dropout) {
  const int ld = a.size + 1;
  float* queries = attentionTiles;
  float* gradients = queries + TILE * a.size;
  float* keys = gradients + TILE * a.size;
  float* values = keys + TILE * ld;
  const int firstQuery = (gridDim.x - 1 - blockIdx.x) * TILE;
  const int owned = firstQuery + threadIdx.y * OWNED;
  const int64_t element = (static_cast<int64_t>(a.batch) * a.heads + a.head) * a.time;
  loadTile<T>(queries, a.size, a.packed(qkv, 0), firstQuery, a.time, a.size);
  loadTile<T>(gradients, a.size, a.plain(dOut), firstQuery, a.time, a.size);

  float lse[OWNED], rowDelta[OWNED], scales[OWNED], sums[OWNED][HEAD_PARTS] = {};
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    const bool there = owned + r < a.time;
    lse[r] = there ? a.statistics(logSumExp)[owned + r] : 0;
    rowDelta[r] = there ? a.statistics(delta)[owned + r] : 0;
    scales[r] = a.scale;
  }
  const int end = a.causal ? min(a.time, firstQuery + TILE) : a.time;
  for (int firstKey = 0; firstKey < end; firstKey += TILE) {
    __syncthreads();
    loadTile<T>(keys, ld, a.packed(qkv, 1), firstKey, a.time, a.size);
    loadTile<T>(values, ld, a.packed(qkv, 2), firstKey, a.time, a.size);
    __syncthreads();
    const int key = firstKey + threadIdx.x;
    float score[OWNED], dP[OWNED], dS[OWNED];
    dots(score, queries + threadIdx.y * OWNED * a.size, keys + threadIdx.x * ld, a.size);
    dots(dP, gradients + threadIdx.y * OWNED * a.size, values + threadIdx.x * ld, a.size);
#pragma unroll
    for (int r = 0; r < OWNED; r++) {
      const bool seen = key < a.time && !(a.causal && key > owned + r);
      const float p = seen ? expf(score[r] * a.scale - lse[r]) : 0;
      const float factor = dropout.p > 0 ? dropout.factor((element + owned + r) * a.time + key) : 1;
      dS[r] = p * (dP[r] * factor - rowDelta[r]);
    }
    addWeighted(sums, dS, keys, ld, a.size);
  }
  storeRows<T>(a.packed(dQkv, 0), sums, scales, owned, a.time, a.size);
}

/** dK and dV: a warp owns keys, a lane has one query of the tile. */
template <typename T>
__device__ __forceinline__ void attentionBackwardKeys(T* dQkv, const T* dOut, const float* logSumExp, const float* delta,
                                                      const T* qkv, const AttentionHead<T>& a,
                                                      const ProbabilityDropout& dropout) {
  const int ld = a.size + 1;
  float* keys = attentionTiles;
  float* values = keys + TILE * a.size;
  float* queries = values + TILE * a.size;
  float* gradients = queries + TILE * ld;
  const int firstKey = blockIdx.x * TILE;
  const int owned = firstKey + threadIdx.y * OWNED;
  const int64_t element = (static_cast<int64_t>(a.batch) * a.heads + a.head) * a.time;
  loadTile<T>(keys, a.size, a.packed(qkv, 1), firstKey, a.time, a.size);
  loadTile<T>(values, a.size, a.packed(qkv, 2), firstKey, a.time, a.size);

  float dK[OWNED][HEAD_PARTS] = {}, dV[OWNED][HEAD_PARTS] = {}, scales[OWNED], ones[OWNED];
#pragma unroll
  for (int r = 0; r < OWNED; r++) {
    scales[r] = a.scale;
    ones[r] = 1;
  }
  for (int firstQuery = a.causal ? firstKey : 0; firstQuery < a.time; firstQuery += TILE) {
    __syncthreads();
    loadTile<T>(queries, ld, a.packed(qkv, 0), firstQuery, a.time, a.size);
    loadTile<T>(gradients, ld, a.plain(dOut), firstQuery, a.time, a.size);
    __syncthreads();
    const int query = firstQuery + threadIdx.x;
    const bool there = query < a.time;
    const float lse = there ? a.statistics(logSumExp)[query] : 0;
    const float rowDelta = there ? a.statistics(delta)[query] : 0;
    float score[OWNED], dP[OWNED], p[OWNED], dS[OWNED];
    dots(score, keys + threadIdx.y * OWNED * a.size, queries + threadIdx.x * ld, a.size);
    dots(dP, values + threadIdx.y * OWNED * a.size, gradients + threadIdx.x * ld, a.size);
#pragma unroll
    for (int r = 0; r < OWNED; r++) {
      const int key = owned + r;
      const bool seen = there && key < a.time && !(a.causal && key > query);
      const float exact = seen ? expf(score[r] * a.scale - lse) : 0;
      const float factor = dropout.p > 0 ? dropout.factor((element + query) * a.time + key) : 1;
      p[r] = exact * factor;
      dS[r] = exact * (dP[r] * factor - rowDelta);
    }
    addWeighted(dV, p, gradients, ld, a.size);
    addWeighted(dK, dS, queries, ld, a.size);
  }
  storeRows<T>(a.packed(dQkv, 1), dK, scales, owned, a.time, a.size);
  storeRows<T>(a.packed(dQkv, 2), dV, ones, owned, a.time, a.size);
}

}  // namespace culebra

using namespace culebra;

#define ATTENTION(T, SUFFIX)                                                                                           \
  /** logSumExp (B, heads, T); dropout p may be 0, then state may be null. */                                          \
  extern "C" __global__ void __launch_bounds__(WARP* TILE_WARPS, 2)                                                     \
      attention_forward_##SUFFIX(T* out, float* logSumExp, const T* qkv, int time, int heads, int size, int causal,    \
                                 const int* state, int site, float p, float keptScale) {                               \
    attentionForward<T>(out, logSumExp, qkv, AttentionHead<T>(heads, time, size, causal),                              \
                        ProbabilityDropout{state, site, p, keptScale});                                                \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(256)                                                                    \
      attention_delta_##SUFFIX(float* delta, const T* dOut, const T* out, int rows, int heads, int time, int size) {   \
    attentionDelta<T>(delta, dOut, out, rows, heads, time, size);                                                      \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(WARP* TILE_WARPS, 2)                                                     \
      attention_backward_queries_##SUFFIX(T* dQkv, const T* dOut, const float* logSumExp, const float* delta,          \
                                          const T* qkv, int time, int heads, int size, int causal, const int* state,   \
                                          int site, float p, float keptScale) {                                        \
    attentionBackwardQueries<T>(dQkv, dOut, logSumExp, delta, qkv, AttentionHead<T>(heads, time, size, causal),        \
                                ProbabilityDropout{state, site, p, keptScale});                                        \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(WARP* TILE_WARPS, 2)                                                     \
      attention_backward_keys_##SUFFIX(T* dQkv, const T* dOut, const float* logSumExp, const float* delta,             \
                                       const T* qkv, int time, int heads, int size, int causal, const int* state,      \
                                       int site, float p, float keptScale) {                                           \
    attentionBackwardKeys<T>(dQkv, dOut, logSumExp, delta, qkv, AttentionHead<T>(heads, time, size, causal),           \
                             ProbabilityDropout{state, site, p, keptScale});                                           \
  }

ATTENTION(float, f32)
ATTENTION(bf16, bf16)
