// Attention of one new token to all before it, with the keys and values of those in a cache (B, capacity, C).
//
//   out = softmax(q Kᵀ / √D) V for each head, over positions 0 … position
//
// A block has one head of one sequence. It stores the token's own key and value first; then its warps take the positions
// in turn, each with an online softmax of its own, and meet in shared memory. The position is read from device memory, so
// that a recorded graph goes on by itself. Bytes: 2·B·(position + 1)·C·s; FLOPs 4·B·(position + 1)·C.
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
                                                int size, int capacity) {
  __shared__ float maxima[DECODE_WARPS], sums[DECODE_WARPS], outputs[DECODE_WARPS][MAX_HEAD];
  const int head = blockIdx.x, batch = blockIdx.y, width = heads * size, warp = threadIdx.y;
  const int last = *position;
  T* to = out + static_cast<int64_t>(batch) * width + head * size;
  const int thread = warp * WARP + threadIdx.x;
  if (last < 0 || last >= capacity) {  // the host's mistake, which a kernel can only make seen
    if (thread < size) to[thread] = fromFloat<T>(notANumber());
    return;
  }
  const T* token = qkv + static_cast<int64_t>(batch) * 3 * width + head * size;
  const int64_t cache = static_cast<int64_t>(batch) * capacity * width + head * size;
  if (thread < size) {
    keys[cache + static_cast<int64_t>(last) * width + thread] = token[width + thread];
    values[cache + static_cast<int64_t>(last) * width + thread] = token[2 * width + thread];
  }
  __syncthreads();

  const float scale = rsqrtf(static_cast<float>(size));
  float query[HEAD_PARTS] = {};
#pragma unroll
  for (int part = 0; part < HEAD_PARTS; part++) {
    const int d = part * WARP + threadIdx.x;
    if (d < size) query[part] = toFloat(token[d]) * scale;
  }
  PartialSoftmax s;
  for (int t = warp; t <= last; t += DECODE_WARPS) {
    const int64_t at = cache + static_cast<int64_t>(t) * width;
    addPosition(s, query, keys + at, values + at, size);
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

/** keys and values (B, capacity, width) [b, t] = the K and V parts of qkv (B, time, 3, width); V elements a thread. */
template <typename T, int V>
__device__ __forceinline__ void cacheKeysValues(T* keys, T* values, const T* qkv, int batch, int time, int capacity,
                                                int width) {
  const int64_t packs = static_cast<int64_t>(batch) * time * (width / V);
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < packs; i += stride) {
    const int64_t row = i / (width / V);
    const int column = i % (width / V) * V;
    const T* from = qkv + row * 3 * width + column;
    const int64_t to = (row / time * capacity + row % time) * width + column;
    store<V>(keys + to, load<V>(from + width));
    store<V>(values + to, load<V>(from + 2 * width));
  }
}

}  // namespace culebra

using namespace culebra;

#define DECODE(T, SUFFIX)                                                                                           \
  extern "C" __global__ void __launch_bounds__(WARP* DECODE_WARPS)                                                  \
      attention_decode_##SUFFIX(T* out, T* keys, T* values, const T* qkv, const int* position, int heads, int size, \
                                int capacity) {                                                                     \
    attentionDecode<T>(out, keys, values, qkv, position, heads, size, capacity);                                    \
  }                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(256)                                                                 \
      cache_keys_values_##SUFFIX(T* keys, T* values, const T* qkv, int batch, int time, int capacity, int width) {  \
    if (width % PACK<T> == 0 && aligned(keys, values, qkv)) {                                                       \
      cacheKeysValues<T, PACK<T>>(keys, values, qkv, batch, time, capacity, width);                                 \
    } else {                                                                                                        \
      cacheKeysValues<T, 1>(keys, values, qkv, batch, time, capacity, width);                                       \
    }                                                                                                               \
  }

DECODE(float, f32)
DECODE(bf16, bf16)
