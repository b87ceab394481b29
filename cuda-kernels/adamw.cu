// AdamW (Loshchilov and Hutter, 2019, algorithm 2) over all parameters in one launch, clipping by the global norm folded
// in: the norm is read on the device, so the host waits for nothing.
//
//   g = gradient · min(1, maxNorm / norm);  m = β₁ m + (1 − β₁) g;  v = β₂ v + (1 − β₂) g²
//   value = value · keep − rate · m / (√v · rootScale + ε)
//   keep = 1 − learning rate · decay for the first `decayed` elements, else 1;  rate and rootScale hold the bias
//   corrections
//
// With bf16 weights the values are fp32 masters, and the weights are the masters rounded up or down by chance, so that
// the expected weight is the master (stochastic rounding); the chance is Philox of seed, step and element.
// A thread updates four elements. Bytes: 28·n, with bf16 weights 30·n.
#include "philox.cuh"

namespace culebra {

constexpr int ADAMW_PACK = 4;

/** In the place of a random site; those of a model are small numbers. */
constexpr uint32_t ROUNDING_SITE = 0x41444D57;

struct AdamW {
  float clip, beta1, beta2, keep, rate, rootScale, epsilon;
  int64_t decayed;

  __device__ __forceinline__ void update(float& value, float gradient, float& m, float& v, int64_t element) const {
    const float g = gradient * clip;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    value = value * (element < decayed ? keep : 1) - rate * __fdividef(m, sqrtf(v) * rootScale + epsilon);
  }
};

__device__ __forceinline__ float clipping(const float* norm, float maxNorm) {
  return maxNorm > 0 && *norm > maxNorm ? maxNorm / *norm : 1;
}

/** x rounded to one of its neighbours in bf16: up with the probability that 16 random bits give. */
__device__ __forceinline__ bf16 roundedByChance(float x, uint32_t random) {
  if (!isFinite(x)) return __float2bfloat16(x);
  return __float2bfloat16(__uint_as_float((__float_as_uint(x) + (random & 0xffff)) & 0xffff0000));
}

/** weights is null, or gets the values in bf16. */
__device__ __forceinline__ void adamW(bf16* weights, float* values, const float* gradients, float* firstMoment,
                                      float* secondMoment, const AdamW& step, uint2 seed, uint32_t number, int64_t n) {
  const bool vector = aligned(weights, values, gradients, firstMoment, secondMoment);
  forEachPack<ADAMW_PACK>(vector, n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto value = load<V>(values + at);
    const auto gradient = loadOnce<V>(gradients + at);
    auto first = loadOnce<V>(firstMoment + at);
    auto second = loadOnce<V>(secondMoment + at);
#pragma unroll
    for (int i = 0; i < V; i++) {
      float x = value[i], m = first[i], v = second[i];
      step.update(x, gradient[i], m, v, at + i);
      value.set(i, x);
      first.set(i, m);
      second.set(i, v);
    }
    store<V>(values + at, value);
    storeOnce<V>(firstMoment + at, first);
    storeOnce<V>(secondMoment + at, second);
    if (weights == nullptr) return;
    const uint4 words = philox(make_uint4(static_cast<uint32_t>(at / 4), ROUNDING_SITE, number,
                                          static_cast<uint32_t>(at / 4 >> 32)), seed);
    Pack<bf16, V> weight;
#pragma unroll
    for (int i = 0; i < V; i++) {
      weight.set(i, toFloat(roundedByChance(value[i], word(words, (V == 1 ? at : 0) + i & 3))));
    }
    store<V>(weights + at, weight);
  });
}

}  // namespace culebra

using namespace culebra;

/** norm (1) may be null where maxNorm is 0. */
extern "C" __global__ void __launch_bounds__(256)
    adamw_f32(float* values, const float* gradients, float* firstMoment, float* secondMoment, const float* norm,
              float maxNorm, float beta1, float beta2, float keep, float rate, float rootScale, float epsilon,
              long long decayed, long long n) {
  const AdamW step{clipping(norm, maxNorm), beta1, beta2, keep, rate, rootScale, epsilon, decayed};
  adamW(nullptr, values, gradients, firstMoment, secondMoment, step, make_uint2(0, 0), 0, n);
}

/** The same with values as masters of bf16 weights; step and seed name the random numbers of the rounding. */
extern "C" __global__ void __launch_bounds__(256)
    adamw_bf16(bf16* weights, float* values, const float* gradients, float* firstMoment, float* secondMoment,
               const float* norm, float maxNorm, float beta1, float beta2, float keep, float rate, float rootScale,
               float epsilon, long long decayed, unsigned seedLow, unsigned seedHigh, unsigned step, long long n) {
  const AdamW numbers{clipping(norm, maxNorm), beta1, beta2, keep, rate, rootScale, epsilon, decayed};
  adamW(weights, values, gradients, firstMoment, secondMoment, numbers, make_uint2(seedLow, seedHigh), step, n);
}
