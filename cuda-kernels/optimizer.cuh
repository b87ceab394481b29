// Shared by the optimizers: clipping by the global norm, and stochastic rounding of bf16 weights.
#pragma once

#include "philox.cuh"

namespace culebra {

/** Elements per thread of an optimizer: one Philox block. */
constexpr int OPTIMIZER_PACK = 4;

/** The factor that clips gradients of this norm to maxNorm; 0 turns clipping off, and norm may be null. */
__device__ __forceinline__ float clipping(const float* norm, float maxNorm) {
  return maxNorm > 0 && *norm > maxNorm ? maxNorm / *norm : 1;
}

/** x stochastically rounded to one of its neighbours in bf16, by 16 random bits. */
__device__ __forceinline__ bf16 roundedByChance(float x, uint32_t random) {
  if (!isFinite(x)) return __float2bfloat16(x);
  return __float2bfloat16(__uint_as_float((__float_as_uint(x) + (random & 0xffff)) & 0xffff0000));
}

/**
 * Stochastic rounding: the expected weight is the value. Element e of a tensor gets the lower half of word e % 4 of
 * counter (e / 4, SITE, step, e / 4 · 2⁻³²) under the seed.
 */
struct ChanceRounding {
  /** Used as a random site; those of a model are small numbers. */
  static constexpr uint32_t SITE = 0x41444D57;

  uint2 seed;
  uint32_t step;

  /** The weights of elements at, at + 1, …; at is a multiple of 4, or V is 1. */
  template <int V>
  __device__ __forceinline__ Pack<bf16, V> round(const Pack<float, V>& values, int64_t at) const {
    static_assert(V == 1 || V == OPTIMIZER_PACK);
    const uint4 words = philox(
        make_uint4(static_cast<uint32_t>(at / 4), SITE, step, static_cast<uint32_t>(at / 4 >> 32)), seed);
    Pack<bf16, V> weights;
#pragma unroll
    for (int i = 0; i < V; i++) {
      weights.set(i, toFloat(roundedByChance(values[i], word(words, (V == 1 ? at : 0) + i & 3))));
    }
    return weights;
  }
};

}  // namespace culebra
