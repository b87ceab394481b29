// AdamW (Loshchilov and Hutter, 2019, algorithm 2) over all parameters in one launch, including clipping by the global
// norm. The norm is read on the device, so the host never waits.
//
//   g = gradient · min(1, maxNorm / norm);  m = β₁ m + (1 − β₁) g;  v = β₂ v + (1 − β₂) g²
//   value = value · keep − rate · m / (√v · rootScale + ε)
//   keep = 1 − learning rate · decay for the first `decayed` elements, otherwise 1; rate and rootScale include the bias
//   corrections
//
// With bf16 weights the values are fp32 masters, and the weights are the masters rounded up or down at random, so that
// the expected weight is the master (stochastic rounding). The random bits are Philox of seed, step and element. A
// thread updates four elements. Bytes: 28·n, with bf16 weights 30·n.
#include "optimizer.cuh"

namespace culebra {

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

/** weights is null, or gets the values in bf16. */
__device__ __forceinline__ void adamW(bf16* weights, float* values, const float* gradients, float* firstMoment,
                                      float* secondMoment, const AdamW& step, const ChanceRounding& rounding,
                                      int64_t n) {
  const bool vector = aligned(weights, values, gradients, firstMoment, secondMoment);
  forEachPack<OPTIMIZER_PACK>(vector, n, [&](auto elements, int64_t at) {
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
    if (weights != nullptr) store<V>(weights + at, rounding.round(value, at));
  });
}

}  // namespace culebra

using namespace culebra;

/** norm (1) may be null if maxNorm is 0. */
extern "C" __global__ void __launch_bounds__(256)
    adamw_f32(float* values, const float* gradients, float* firstMoment, float* secondMoment, const float* norm,
              float maxNorm, float beta1, float beta2, float keep, float rate, float rootScale, float epsilon,
              long long decayed, long long n) {
  const AdamW step{clipping(norm, maxNorm), beta1, beta2, keep, rate, rootScale, epsilon, decayed};
  adamW(nullptr, values, gradients, firstMoment, secondMoment, step, {}, n);
}

/** The same with values as masters of bf16 weights; step and seed select the random numbers of the rounding. */
extern "C" __global__ void __launch_bounds__(256)
    adamw_bf16(bf16* weights, float* values, const float* gradients, float* firstMoment, float* secondMoment,
               const float* norm, float maxNorm, float beta1, float beta2, float keep, float rate, float rootScale,
               float epsilon, long long decayed, unsigned seedLow, unsigned seedHigh, unsigned step, long long n) {
  const AdamW numbers{clipping(norm, maxNorm), beta1, beta2, keep, rate, rootScale, epsilon, decayed};
  adamW(weights, values, gradients, firstMoment, secondMoment, numbers, {make_uint2(seedLow, seedHigh), step},
        n);
}
