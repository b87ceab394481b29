// Attention of T queries to the S keys and values of another sequence; those from the sequence's length on are padding.
// Queries are (B, T, heads, D), keys and values (B, S, 2, heads, D). The method is in attention_tiles.cuh.
//
// Bytes: forward (2·T + 2·S)·B·C·s, backward (4·T + 4·S)·B·C·s. FLOPs: forward 4·B·heads·T·S·D, backward 14.
#include "attention_tiles.cuh"

namespace culebra {

/** The rows of queries are those of an AttentionHead, without packed rows. */
struct CrossAttentionHead : AttentionHead {
  int keyRows, keyCount;

  /** A length outside 1 … S leaves no keys, which gives NaN. */
  __device__ __forceinline__ CrossAttentionHead(int heads, int time, int keyRows, int size, const int* lengths)
      : AttentionHead(heads, time, size, 0), keyRows(keyRows), keyCount(keyRows) {
    if (lengths != nullptr) {
      const int length = lengths[batch];
      keyCount = length >= 1 && length <= keyRows ? length : 0;
    }
  }

  /** Part 0, 1 of the rows is K, V. */
  template <typename P>
  __device__ __forceinline__ HeadRows<P> source(P* keysValues, int part) const {
    return {keysValues + static_cast<int64_t>(batch) * keyRows * 2 * width + part * width + head * size, 2LL * width};
  }

  template <typename T>
  __device__ __forceinline__ AttentionOperands<T> operands(const T* queries, const T* keysValues) const {
    return {plain(queries), source(keysValues, 0), source(keysValues, 1), time, keyCount, keyRows, size, scale, false, 0};
  }
};

}  // namespace culebra

using namespace culebra;

#define CROSS_ATTENTION(T, SUFFIX)                                                                                     \
  /** logSumExp (B, heads, T); lengths (B) may be null. */                                                             \
  extern "C" __global__ void __launch_bounds__(WARP* TILE_WARPS, 2)                                                    \
      cross_attention_forward_##SUFFIX(T* out, float* logSumExp, const T* queries, const T* keysValues,                \
                                       const int* lengths, int time, int keyRows, int heads, int size) {               \
    const CrossAttentionHead a(heads, time, keyRows, size, lengths);                                                   \
    attentionForward<T>(a.plain(out), a.statistics(logSumExp), a.operands(queries, keysValues),                        \
                        ProbabilityDropout{nullptr, 0, 0, 1});                                                         \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(WARP* TILE_WARPS, 2)                                                    \
      cross_attention_backward_queries_##SUFFIX(T* dQueries, const T* dOut, const float* logSumExp,                    \
                                                const float* delta, const T* queries, const T* keysValues,             \
                                                const int* lengths, int time, int keyRows, int heads, int size) {      \
    const CrossAttentionHead a(heads, time, keyRows, size, lengths);                                                   \
    attentionBackwardQueries<T>(a.plain(dQueries), a.plain(dOut), a.statistics(logSumExp), a.statistics(delta),        \
                                a.operands(queries, keysValues), ProbabilityDropout{nullptr, 0, 0, 1});                \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(WARP* TILE_WARPS, 2)                                                    \
      cross_attention_backward_keys_##SUFFIX(T* dKeysValues, const T* dOut, const float* logSumExp,                    \
                                             const float* delta, const T* queries, const T* keysValues,                \
                                             const int* lengths, int time, int keyRows, int heads, int size) {         \
    const CrossAttentionHead a(heads, time, keyRows, size, lengths);                                                   \
    attentionBackwardKeys<T>(a.source(dKeysValues, 0), a.source(dKeysValues, 1), a.plain(dOut),                        \
                             a.statistics(logSumExp), a.statistics(delta), a.operands(queries, keysValues),            \
                             ProbabilityDropout{nullptr, 0, 0, 1});                                                    \
  }

CROSS_ATTENTION(float, f32)
CROSS_ATTENTION(bf16, bf16)
