// Muon (Jordan et al., 2024): everything except the matrix products of its Newton–Schulz steps, which cuBLAS computes for
// all matrices of one shape at once.
//
//   momentum    m = μ m + (1 − μ) g;  direction = μ m + (1 − μ) g,  g = gradient · min(1, maxNorm / norm)
//   normalise   X = matrix / (‖matrix‖ + 1e-7)
//   polynomial  P = 3.4445 I − 4.775 A + 2.0315 A²,  so that a step is X = P X
//   update      value = value · keep − rate · direction, with stochastic rounding to bf16 weights
//
// Gradients, momentum and values are float; directions, X, A, A² and P are T, as in Jordan's own program for bf16 models.
// Norms are read on the device, so the host never waits. Bytes per element in float and in bf16: momentum 16 and 14,
// normalise 8 and 4, polynomial 12 and 6 for each of the smaller dimension squared, update 12 in both.
//
// GPT-2 124M in bf16, estimated, not measured; 12 layers, matrices 768 × {768, 2304, 3072, 3072}, 84.9 M elements:
//
//   products    5 · (4 n² m + 2 n³) FLOPs for n ≤ m: 1.52 TFLOP, at 600 TFLOP/s         2.5 ms
//   elements    momentum 1.19 GB, norm 0.17, normalise 0.34, polynomial 5 · 0.17,
//               update 1.02; together 3.6 GB, at 4.1 TB/s                                0.9 ms
//   launches    4 shapes of 23, and 2 for each of 48 matrices: 188, at a gap of 1 µs     0.2 ms
//
// 3.6 ms. One by one in float, the products alone would take 30 ms at an H100's 50 TFLOP/s.
#include "optimizer.cuh"

namespace culebra {

constexpr float LEAST_NORM = 1e-7f;
constexpr float LINEAR = 3.4445f, CUBIC = -4.775f, QUINTIC = 2.0315f;

template <typename T>
__device__ __forceinline__ void muonMomentum(T* direction, float* momentum, const float* gradients, float clip, float mu,
                                             int64_t n) {
  forEachPack<OPTIMIZER_PACK>(aligned(direction, momentum, gradients), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto m = loadOnce<V>(momentum + at);
    const auto g = loadOnce<V>(gradients + at);
    Pack<T, V> d;
#pragma unroll
    for (int i = 0; i < V; i++) {
      const float fresh = (1 - mu) * (g[i] * clip);
      m.set(i, mu * m[i] + fresh);
      d.set(i, mu * m[i] + fresh);
    }
    storeOnce<V>(momentum + at, m);
    store<V>(direction + at, d);
  });
}

template <typename T>
__device__ __forceinline__ void muonNormalise(T* out, const T* in, float norm, int64_t n) {
  const float scale = 1 / (norm + LEAST_NORM);
  forEachPack<PACK<T>>(aligned(out, in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto x = loadOnce<V>(in + at);
#pragma unroll
    for (int i = 0; i < V; i++) x.set(i, x[i] * scale);
    store<V>(out + at, x);
  });
}

template <typename T>
__device__ __forceinline__ void muonPolynomial(T* square, const T* a, int size) {
  const int64_t n = static_cast<int64_t>(size) * size;
  forEachPack<PACK<T>>(aligned(square, a), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto p = load<V>(square + at);
    const auto x = load<V>(a + at);
    // Elements on the diagonal are size + 1 apart.
    unsigned behind = static_cast<unsigned>(at) % static_cast<unsigned>(size + 1);
#pragma unroll
    for (int i = 0; i < V; i++) {
      p.set(i, CUBIC * x[i] + QUINTIC * p[i] + (behind == 0 ? LINEAR : 0));
      behind = behind == size ? 0 : behind + 1;
    }
    store<V>(square + at, p);
  });
}

/** weights is null, or gets the values in bf16. */
template <typename T>
__device__ __forceinline__ void muonUpdate(bf16* weights, float* values, const T* direction, float keep, float rate,
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

#define MUON(T, SUFFIX)                                                                                               \
  /** norm (1) may be null where maxNorm is 0. */                                                                     \
  extern "C" __global__ void __launch_bounds__(256)                                                                   \
      muon_momentum_##SUFFIX(T* direction, float* momentum, const float* gradients, const float* norm, float maxNorm, \
                             float mu, long long n) {                                                                 \
    muonMomentum(direction, momentum, gradients, clipping(norm, maxNorm), mu, n);                                     \
  }                                                                                                                   \
  /** out = in / (norm + 1e-7) for each of gridDim.y matrices of n elements; norms (gridDim.y) are those of in. */    \
  extern "C" __global__ void __launch_bounds__(256)                                                                   \
      muon_normalise_##SUFFIX(T* out, const T* in, const float* norms, long long n) {                                 \
    muonNormalise(out + blockIdx.y * n, in + blockIdx.y * n, norms[blockIdx.y], n);                                   \
  }                                                                                                                   \
  /** square (gridDim.y, size, size), a² at first, = 3.4445 · identity − 4.775 · a + 2.0315 · a²; size ≤ 65535. */    \
  extern "C" __global__ void __launch_bounds__(256) muon_polynomial_##SUFFIX(T* square, const T* a, int size) {       \
    const int64_t first = static_cast<int64_t>(blockIdx.y) * size * size;                                             \
    muonPolynomial(square + first, a + first, size);                                                                  \
  }

MUON(float, f32)
MUON(bf16, bf16)

extern "C" __global__ void __launch_bounds__(256)
    muon_update_f32(float* values, const float* direction, float keep, float rate, long long n) {
  muonUpdate(nullptr, values, direction, keep, rate, {}, n);
}

/** The same with values as masters of bf16 weights; step and seed select the random numbers of the rounding. */
extern "C" __global__ void __launch_bounds__(256)
    muon_update_bf16(bf16* weights, float* values, const bf16* direction, float keep, float rate, unsigned seedLow,
                     unsigned seedHigh, unsigned step, long long n) {
  muonUpdate(weights, values, direction, keep, rate, {make_uint2(seedLow, seedHigh), step}, n);
}
