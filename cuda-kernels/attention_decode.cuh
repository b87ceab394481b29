// Attention of one new token to all before it, whose keys and values are in a cache (B, capacity, W).
//
//   out = softmax(q Kᵀ / √D) V for each head, over the last min(position + 1, capacity) tokens
//
// The cache is a ring: a token lies at its position mod capacity, and takes the place of the oldest one when it is full.
// A block has some places of one head of the cache, so that a long sequence occupies the whole GPU: each warp takes a
// few keys at a time, several lanes share a key, and all of a lane's keys and values are in registers before the first is
// used. The blocks of a head leave partial softmaxes in global memory; the last one to finish combines them, in the order
// of their places. The position is read from device memory, so that a recorded graph advances by itself: the grid is that
// of a full cache, and blocks with no token end at once.
//
// A cache may have fewer heads than there are queries: W = C / G, and G consecutive heads share keys and values, which
// are read once for all of them. The block that owns the new token's place stores its key and value; they are not read
// from the cache. Bytes: 2·B·min(position + 1, capacity)·W·s.
#pragma once

#include "order.cuh"

namespace culebra {

constexpr int DECODE_WARPS = 4;
constexpr int DECODE_STEPS = 4;

/** A softmax over some positions: the highest score in powers of two, Σ 2^(score − highest); then D weighted sums of values. */
constexpr int PARTIAL_HEADER = 2;

/** The arguments of a launch. */
template <typename T>
struct DecodeArguments {
  T* out;
  T* keys;
  T* values;
  const T* qkv;
  const int* position;
  float* partials;
  unsigned* counters;
  int heads;
  int group;
  int size;
  int capacity;
};

/** How LANES lanes share a head of D ≤ LANES · PARTS · V: lane i has pack i of each part. */
template <typename Order, typename T, int V, int LANES, int PARTS>
struct AttentionDecode {
  static constexpr int KEYS = WARP / LANES;  // of a warp at a time
  static constexpr int PLACES = DECODE_WARPS * DECODE_STEPS * KEYS;
  static constexpr int WIDEST = LANES * PARTS * V;

  using Row = Pack<T, V>[PARTS];

  const DecodeArguments<T>& a;
  const int lane = threadIdx.x % WARP;
  const int warp = threadIdx.x / WARP;

  __device__ __forceinline__ explicit AttentionDecode(const DecodeArguments<T>& a) : a(a) {}

  /** body(part, d) for each of this lane's packs of a head; d is the first of its V columns. */
  template <typename Body>
  __device__ __forceinline__ void forEach(Body body) const {
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      const int d = (part * LANES + lane % LANES) * V;
      if (d < a.size) body(part, d);
    }
  }

  /** Adds, or takes the maximum, over the lanes that have the same pack of different keys. */
  template <typename Combine>
  static __device__ __forceinline__ float overKeys(float x, Combine combine) {
#pragma unroll
    for (int distance = WARP / 2; distance >= LANES; distance /= 2) {
      x = combine(x, __shfl_xor_sync(ALL_LANES, x, distance));
    }
    return x;
  }

  __device__ __forceinline__ void run() const {
    Order::letNextBegin();
    Order::waitForPrevious();
    const int kvHead = blockIdx.y, batch = blockIdx.z, width = a.heads * a.size, cacheWidth = width / a.group;
    const int first = blockIdx.x * PLACES, position = *a.position;
    T* out = a.out + static_cast<int64_t>(batch) * width + kvHead * a.group * a.size;
    if (position < 0) {  // an error of the host, which a kernel can only make visible
      for (int i = threadIdx.x; i < a.group * a.size; i += blockDim.x) out[i] = fromFloat<T>(notANumber());
      return;
    }
    const int length = min(position, a.capacity - 1) + 1, own = position % a.capacity;
    if (first >= length) return;

    const T* token = a.qkv + static_cast<int64_t>(batch) * 3 * width + kvHead * a.group * a.size;
    const int64_t cache = static_cast<int64_t>(batch) * a.capacity * cacheWidth + kvHead * a.size;
    Row keys[DECODE_STEPS], values[DECODE_STEPS];
    int at[DECODE_STEPS];
#pragma unroll
    for (int s = 0; s < DECODE_STEPS; s++) {
      at[s] = first + (s * DECODE_WARPS + warp) * KEYS + lane / LANES;
      if (at[s] >= length) continue;
      const int64_t row = cache + static_cast<int64_t>(at[s]) * cacheWidth;
      const bool isNew = at[s] == own;
      forEach([&](int part, int d) {
        keys[s][part] = load<V>(isNew ? token + width + d : a.keys + row + d);
        values[s][part] = load<V>(isNew ? token + 2 * width + d : a.values + row + d);
      });
    }
#pragma unroll
    for (int s = 0; s < DECODE_STEPS; s++) {
      if (at[s] != own) continue;
      const int64_t row = cache + static_cast<int64_t>(own) * cacheWidth;
      forEach([&](int part, int d) {
        store<V>(a.keys + row + d, keys[s][part]);
        store<V>(a.values + row + d, values[s][part]);
      });
    }
    const int blocks = (length + PLACES - 1) / PLACES;
    for (int g = 0; g < a.group; g++) attend(out + g * a.size, token + g * a.size, keys, values, at, length, g, blocks);
    if (blocks > 1) combine(out, blocks);
  }

  /** Where block `block` leaves its partial softmax of head g of this block's group. */
  __device__ __forceinline__ float* partial(int g, int block) const {
    const int64_t head = static_cast<int64_t>(blockIdx.z) * a.heads + blockIdx.y * a.group + g;
    return a.partials + (head * gridDim.x + block) * (PARTIAL_HEADER + a.size);
  }

  /** The block's softmax for one query: the result if there is no other block, otherwise a partial one. */
  __device__ __forceinline__ void attend(T* out, const T* from, const Row (&keys)[DECODE_STEPS],
                                         const Row (&values)[DECODE_STEPS], const int (&at)[DECODE_STEPS], int length, int g,
                                         int blocks) const {
    __shared__ float maxima[DECODE_WARPS], sums[DECODE_WARPS], outputs[DECODE_WARPS][WIDEST];
    const float scale = rsqrtf(static_cast<float>(a.size)) * 1.4426950409f;  // log₂ e, for powers of two
    float query[PARTS][V] = {};
    forEach([&](int part, int d) {
      unpack(query[part], load<V>(from + d));
#pragma unroll
      for (int i = 0; i < V; i++) query[part][i] *= scale;
    });
    float scores[DECODE_STEPS], maximum = -LARGEST;
#pragma unroll
    for (int s = 0; s < DECODE_STEPS; s++) {
      float score = 0;
      if (at[s] < length) {
        forEach([&](int part, int) {
          float key[V];
          unpack(key, keys[s][part]);
#pragma unroll
          for (int i = 0; i < V; i++) score += query[part][i] * key[i];
        });
      }
#pragma unroll
      for (int distance = LANES / 2; distance > 0; distance /= 2) score += __shfl_xor_sync(ALL_LANES, score, distance);
      scores[s] = score;
      if (at[s] < length) maximum = fmaxf(maximum, score);
    }
    maximum = overKeys(maximum, Max{});
    float sum = 0, output[PARTS][V] = {};
#pragma unroll
    for (int s = 0; s < DECODE_STEPS; s++) {
      if (at[s] >= length) continue;
      const float p = powerOf2(scores[s] - maximum);
      sum += p;
      forEach([&](int part, int) {
        float value[V];
        unpack(value, values[s][part]);
#pragma unroll
        for (int i = 0; i < V; i++) output[part][i] += p * value[i];
      });
    }
    sum = overKeys(sum, Sum{});
    __syncthreads();  // all have read the last query's results
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
#pragma unroll
      for (int i = 0; i < V; i++) {
        const float x = overKeys(output[part][i], Sum{});
        if (lane < LANES) outputs[warp][(part * LANES + lane) * V + i] = x;
      }
    }
    if (lane == 0) {
      maxima[warp] = maximum;
      sums[warp] = sum;
    }
    __syncthreads();

    if (threadIdx.x >= a.size) return;
    maximum = maxima[0];
    for (int w = 1; w < DECODE_WARPS; w++) maximum = fmaxf(maximum, maxima[w]);
    float total = 0, weighted = 0;
    for (int w = 0; w < DECODE_WARPS; w++) {
      const float shrink = powerOf2(maxima[w] - maximum);
      total += sums[w] * shrink;
      weighted += outputs[w][threadIdx.x] * shrink;
    }
    if (blocks == 1) {
      out[threadIdx.x] = fromFloat<T>(weighted / total);
      return;
    }
    float* to = partial(g, blockIdx.x);
    if (threadIdx.x == 0) {
      to[0] = maximum;
      to[1] = total;
    }
    to[PARTIAL_HEADER + threadIdx.x] = weighted;
  }

  /** The last block of a head to come here adds up the partial softmaxes of all of them. */
  __device__ __forceinline__ void combine(T* out, int blocks) const {
    if (!isLastBlock(a.counters + blockIdx.z * gridDim.y + blockIdx.y, blocks)) return;
    for (int i = threadIdx.x; i < a.group * a.size; i += blockDim.x) {
      const int g = i / a.size, stride = PARTIAL_HEADER + a.size;
      const float* from = partial(g, 0);
      float maximum = -LARGEST;
      for (int b = 0; b < blocks; b++) maximum = fmaxf(maximum, __ldcg(from + b * stride));
      float total = 0, weighted = 0;
#pragma unroll 4
      for (int b = 0; b < blocks; b++) {
        const float shrink = powerOf2(__ldcg(from + b * stride) - maximum);
        total += __ldcg(from + b * stride + 1) * shrink;
        weighted += __ldcg(from + b * stride + PARTIAL_HEADER + i % a.size) * shrink;
      }
      out[i] = fromFloat<T>(weighted / total);
    }
  }
};

}  // namespace culebra
