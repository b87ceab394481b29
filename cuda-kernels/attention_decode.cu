// Entries of attention_decode.cuh: attention of one new token to a cache; and the kernel that fills the cache.
#include "attention_decode.cuh"

namespace culebra {

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

#define DECODE_SIZE(T, SUFFIX, NAME, V, LANES, PARTS)                                                                 \
  /** keys and values (batch, capacity, heads / group, size); partials (batch, heads, blocks, size + 2); counters     \
      (batch, heads / group), 0 before and after. */                                                                  \
  extern "C" __global__ void __launch_bounds__(WARP* DECODE_WARPS)                                                    \
      attention_decode_##NAME##_##SUFFIX(T* out, T* keys, T* values, const T* qkv, const int* position,               \
                                         float* partials, unsigned* counters, int heads, int group, int size,         \
                                         int capacity) {                                                              \
    const DecodeArguments<T> arguments{out,      keys,  values, qkv,  position, partials,                             \
                                       counters, heads, group,  size, capacity};                                      \
    AttentionDecode<InOrder, T, V, LANES, PARTS>(arguments).run();                                                             \
  }

#define DECODE(T, SUFFIX)                                                                                             \
  /* heads of at most 32, 64 and 128 in packs; any of at most 128 */                                                  \
  DECODE_SIZE(T, SUFFIX, d32, PACK<T>, 32 / PACK<T>, 1)                                                               \
  DECODE_SIZE(T, SUFFIX, d64, PACK<T>, 64 / PACK<T>, 1)                                                               \
  DECODE_SIZE(T, SUFFIX, d128, PACK<T>, 128 / PACK<T>, 1)                                                             \
  DECODE_SIZE(T, SUFFIX, any, 1, 32, 4)                                                                               \
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
