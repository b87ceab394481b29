// Attention of one new token to all before it, whose keys and values are in a cache (B, capacity, W).
//
//   out = softmax(q Kᵀ / √D) V for each head, over the last min(position + 1, capacity) tokens
//
// The cache is a ring: a token lies at its position mod capacity, and takes the place of the oldest one when it is full.
// A block has one head of one sequence. Its warps take the positions in turn, each with its own online softmax, and
// combine their results in shared memory. The position is read from device memory, so that a recorded graph advances by
// itself.
//
// A cache may have fewer heads than there are queries: W = C / G, and G consecutive heads share keys and values. The
// block of the first of them stores the new token's. No block reads those from the cache, where they may not have arrived
// yet. Bytes: 2·B·min(position + 1, capacity)·W·s, from the L2 cache C for W; FLOPs 4·B·(position + 1)·C.
#include "common.cuh"

namespace culebra {

constexpr int DECODE_WARPS = 8;
constexpr int MAX_HEAD = 128;
constexpr int HEAD_PARTS = MAX_HEAD / WARP;

/** One warp's online softmax: the highest score, the sum of exp(score − highest), and the weighted sum of values. */
struct PartialSoftmax {
  float maximum = -LARGEST;
  float sum = 0;
  float output[HEAD_PARTS] = {};
};

template <typename T>
__device__ __forceinline__ void addPosition(PartialSoftmax& s, const float (&query)[HEAD_PARTS], const T* key,
                                            const T* value, int size) {
  float score = 0;
#pragma unroll
  for (int part = 0; part < HEAD_PARTS; part++) {
    const int d = part * WARP + threadIdx.x;
    if (d < size) score += query[part] * toFloat(key[d]);
  }
  score = warpReduce(score, Sum{});
  const float higher = fmaxf(s.maximum, score);
  const float shrink = expf(s.maximum - higher);
  const float p = expf(score - higher);
  s.maximum = higher;
  s.sum = s.sum * shrink + p;
#pragma unroll
  for (int part = 0; part < HEAD_PARTS; part++) {
    const int d = part * WARP + threadIdx.x;
    if (d < size) s.output[part] = s.output[part] * shrink + p * toFloat(value[d]);
  }
}

template <typename T>
__device__ __forceinline__ void attentionDecode(T* out, T* keys, T* values, const T* qkv, const int* position, int heads,
                                                int group, int size, int capacity) {
  __shared__ float maxima[DECODE_WARPS], sums[DECODE_WARPS], outputs[DECODE_WARPS][MAX_HEAD];
  const int head = blockIdx.x, batch = blockIdx.y, width = heads * size, warp = threadIdx.y;
  const int before = *position;
  T* to = out + static_cast<int64_t>(batch) * width + head * size;
  const int thread = warp * WARP + threadIdx.x;
  if (before < 0) {  // an error of the host, which a kernel can only make visible
    if (thread < size) to[thread] = fromFloat<T>(notANumber());
    return;
  }
  const int own = before % capacity, length = min(before, capacity - 1) + 1;
  const T* token = qkv + static_cast<int64_t>(batch) * 3 * width;
  const int shared = head / group, cacheWidth = width / group;
  const T* ownKey = token + width + shared * group * size;
  const T* ownValue = ownKey + width;
  const int64_t cache = static_cast<int64_t>(batch) * capacity * cacheWidth + shared * size;
  if (head % group == 0 && thread < size) {
    const int64_t at = cache + static_cast<int64_t>(own) * cacheWidth + thread;
    keys[at] = ownKey[thread];
    values[at] = ownValue[thread];
  }

  const float scale = rsqrtf(static_cast<float>(size));
  float query[HEAD_PARTS] = {};
#pragma unroll
  for (int part = 0; part < HEAD_PARTS; part++) {
    const int d = part * WARP + threadIdx.x;
    if (d < size) query[part] = toFloat(token[head * size + d]) * scale;
  }
  PartialSoftmax s;
  for (int t = warp; t < length; t += DECODE_WARPS) {
    const int64_t at = cache + static_cast<int64_t>(t) * cacheWidth;
    addPosition(s, query, t == own ? ownKey : keys + at, t == own ? ownValue : values + at, size);
  }
  if (threadIdx.x == 0) {
    maxima[warp] = s.maximum;
    sums[warp] = s.sum;
  }
#pragma unroll
  for (int part = 0; part < HEAD_PARTS; part++) outputs[warp][part * WARP + threadIdx.x] = s.output[part];
  __syncthreads();
  if (thread >= size) return;
  float maximum = maxima[0];
  for (int w = 1; w < DECODE_WARPS; w++) maximum = fmaxf(maximum, maxima[w]);
  float sum = 0, output = 0;
  for (int w = 0; w < DECODE_WARPS; w++) {
    const float shrink = expf(maxima[w] - maximum);
    sum += sums[w] * shrink;
    output += outputs[w][thread] * shrink;
  }
  to[thread] = fromFloat<T>(output / sum);
}

/**
 * keys and values (B, capacity, width) [b, t] = the first head of each group of the K and V parts of qkv (B, time, 3,
 * group · width), whose rows are counted over B and time; V elements per thread.
 */
template <typename T, int V>
__device__ __forceinline__ void cacheKeysValues(T* keys, T* values, const T* qkv, int rows, int time, int capacity,
                                                int width, int group, int size) {
  const RowTile<V, 1> tile(width);
  const int chunks = tile.chunks(), part = group * width;
  for (int row = firstRow(); row < rows; row += rowStride()) {
    const T* from = qkv + static_cast<int64_t>(row) * 3 * part;
    const int64_t to = (static_cast<int64_t>(row / time) * capacity + row % time) * width;
    for (int chunk = 0; chunk < chunks; chunk++) {
      tile.forEach(chunk, [&](int, int column) {
        const int first = column + column / size * (group - 1) * size;
        store<V>(keys + to + column, load<V>(from + part + first));
        store<V>(values + to + column, load<V>(from + 2 * part + first));
      });
    }
  }
}

}  // namespace culebra

using namespace culebra;

#define DECODE(T, SUFFIX)                                                                                             \
  /** keys and values (batch, capacity, heads / group, size). */                                                      \
  extern "C" __global__ void __launch_bounds__(WARP* DECODE_WARPS)                                                    \
      attention_decode_##SUFFIX(T* out, T* keys, T* values, const T* qkv, const int* position, int heads, int group,  \
                                int size, int capacity) {                                                             \
    attentionDecode<T>(out, keys, values, qkv, position, heads, group, size, capacity);                               \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(256)                                                                   \
      cache_keys_values_##SUFFIX(T* keys, T* values, const T* qkv, int rows, int time, int capacity, int width,       \
                                 int group, int size) {                                                               \
    if (size % PACK<T> == 0 && aligned(keys, values, qkv)) {                                                          \
      cacheKeysValues<T, PACK<T>>(keys, values, qkv, rows, time, capacity, width, group, size);                       \
    } else {                                                                                                          \
      cacheKeysValues<T, 1>(keys, values, qkv, rows, time, capacity, width, group, size);                             \
    }                                                                                                                 \
  }

DECODE(float, f32)
DECODE(bf16, bf16)
