// Dropout, forward and backward: out = in · scale, or 0 if the element's uniform number is below p. The mask is redrawn
// in the backward pass and never stored; it equals the CPU's.
//
// Each thread draws for one 16-byte pack: four elements per Philox block. Bytes: 2·n·s for n elements of s bytes. With
// about 20 integer instructions per element, bf16 is near the balance of memory and arithmetic on an H100, fp32 well
// above it.
#include "philox.cuh"

namespace culebra {

template <typename T>
__device__ __forceinline__ void drop(T* out, const T* in, const int* state, int site, float p, float scale, int64_t n) {
  const Draws draws(state, site);
  forEachPack<PACK<T>>(aligned(out, in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto x = loadOnce<V>(in + at);
    float uniforms[V];
    draws.uniforms(uniforms, at);
#pragma unroll
    for (int i = 0; i < V; i++) x.set(i, uniforms[i] < p ? 0 : x[i] * scale);
    store<V>(out + at, x);
  });
}

}  // namespace culebra

using namespace culebra;

#define DROPOUT(T, SUFFIX)                                                                                        \
  /** site and state (4) name the random numbers; scale = 1 / (1 − p); out may be in. */                          \
  extern "C" __global__ void __launch_bounds__(256)                                                               \
      dropout_##SUFFIX(T* out, const T* in, const int* state, int site, float p, float scale, long long n) {      \
    drop<T>(out, in, state, site, p, scale, n);                                                                   \
  }

DROPOUT(float, f32)
DROPOUT(bf16, bf16)
