// Muon (Jordan et al., 2024): what stands around the matrix products of its Newton–Schulz steps, which cuBLAS does.
//
//   momentum    m = μ m + (1 − μ) g;  direction = μ m + (1 − μ) g,  g = gradient · min(1, maxNorm / norm)
//   normalise   X = matrix / (‖matrix‖ + 1e-7)
//   polynomial  P = 3.4445 I − 4.775 A + 2.0315 A²,  so that a step is X = P X
//   update      value = value · keep − rate · direction, with bf16 weights rounded by chance
//
// Norms are read on the device, so the host waits for nothing. A thread has four elements. Bytes for n elements: momentum
// 20·n, normalise 8·n, polynomial 12 for each of the smaller dimension squared, update 12·n, 14·n with bf16 weights.
#include "optimizer.cuh"

namespace culebra {

constexpr float LEAST_NORM = 1e-7f;
constexpr float LINEAR = 3.4445f, CUBIC = -4.775f, QUINTIC = 2.0315f;

/** weights is null, or gets the values in bf16. */
__device__ __forceinline__ void muonUpdate(bf16* weights, float* values, const float* direction, float keep, float rate,
                                           const ChanceRounding& rounding, int64_t n) {
  forEachPack<OPTIMIZER_PACK>(aligned(weights, values, direction), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto value = load<V>(values + at);
    const auto d = loadOnce<V>(direction + at);
#pragma unroll
    for (int i = 0; i < V; i++) value.set(i, value[i] * keep - rate * d[i]);
    store<V>(values + at, value);
    if (weights != nullptr) store<V>(weights + at, rounding.round(value, at));
  });
}

}  // namespace culebra

using namespace culebra;

/** norm (1) may be null where maxNorm is 0. */
extern "C" __global__ void __launch_bounds__(256)
    muon_momentum_f32(float* direction, float* momentum, const float* gradients, const float* norm, float maxNorm,
                      float mu, long long n) {
  const float clip = clipping(norm, maxNorm);
  forEachPack<OPTIMIZER_PACK>(aligned(direction, momentum, gradients), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto m = loadOnce<V>(momentum + at);
    auto g = loadOnce<V>(gradients + at);
#pragma unroll
    for (int i = 0; i < V; i++) {
      const float fresh = (1 - mu) * (g[i] * clip);
      m.set(i, mu * m[i] + fresh);
      g.set(i, mu * m[i] + fresh);
    }
    storeOnce<V>(momentum + at, m);
    store<V>(direction + at, g);
  });
}

/** out = in / (norm + 1e-7), norm (1) that of in. */
extern "C" __global__ void __launch_bounds__(256)
    muon_normalise_f32(float* out, const float* in, const float* norm, long long n) {
  const float scale = 1 / (*norm + LEAST_NORM);
  forEachPack<OPTIMIZER_PACK>(aligned(out, in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto x = loadOnce<V>(in + at);
#pragma unroll
    for (int i = 0; i < V; i++) x.set(i, x[i] * scale);
    store<V>(out + at, x);
  });
}

/** square (size, size), a² at first, = 3.4445 · identity − 4.775 · a + 2.0315 · a². */
extern "C" __global__ void __launch_bounds__(256) muon_polynomial_f32(float* square, const float* a, int size) {
  const int64_t n = static_cast<int64_t>(size) * size;
  forEachPack<OPTIMIZER_PACK>(aligned(square, a), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto p = load<V>(square + at);
    const auto x = load<V>(a + at);
#pragma unroll
    for (int i = 0; i < V; i++) {
      const bool diagonal = (at + i) % (static_cast<int64_t>(size) + 1) == 0;
      p.set(i, CUBIC * x[i] + QUINTIC * p[i] + (diagonal ? LINEAR : 0));
    }
    store<V>(square + at, p);
  });
}

extern "C" __global__ void __launch_bounds__(256)
    muon_update_f32(float* values, const float* direction, float keep, float rate, long long n) {
  muonUpdate(nullptr, values, direction, keep, rate, {}, n);
}

/** The same with values as masters of bf16 weights; step and seed name the random numbers of the rounding. */
extern "C" __global__ void __launch_bounds__(256)
    muon_update_bf16(bf16* weights, float* values, const float* direction, float keep, float rate, unsigned seedLow,
                     unsigned seedHigh, unsigned step, long long n) {
  muonUpdate(weights, values, direction, keep, rate, {make_uint2(seedLow, seedHigh), step}, n);
}
