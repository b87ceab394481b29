// Soft cap of logits, cap · tanh(in / cap), and its backward pass, dOut · (1 − tanh²(in / cap)).
//
// A thread moves one 16-byte pack. Bytes for n elements of s bytes: forward 2·n·s, backward 3·n·s.
#include "common.cuh"

namespace culebra {

template <typename T>
__device__ __forceinline__ void softcapForward(T* out, const T* in, float cap, int64_t n) {
  forEachPack<PACK<T>>(aligned(out, in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto x = loadOnce<V>(in + at);
#pragma unroll
    for (int i = 0; i < V; i++) x.set(i, cap * tanhf(x[i] / cap));
    store<V>(out + at, x);
  });
}

template <typename T>
__device__ __forceinline__ void softcapBackward(T* dIn, const T* dOut, const T* in, float cap, int64_t n) {
  forEachPack<PACK<T>>(aligned(dIn, dOut, in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto d = loadOnce<V>(dOut + at);
    const auto x = loadOnce<V>(in + at);
#pragma unroll
    for (int i = 0; i < V; i++) {
      const float bent = tanhf(x[i] / cap);
      d.set(i, d[i] * (1 - bent * bent));
    }
    store<V>(dIn + at, d);
  });
}

}  // namespace culebra

using namespace culebra;

#define SOFTCAP(T, SUFFIX)                                                                                        \
  /** out = cap · tanh(in / cap); in place allowed. */                                                            \
  extern "C" __global__ void __launch_bounds__(256)                                                               \
      softcap_forward_##SUFFIX(T* out, const T* in, float cap, long long n) {                                     \
    softcapForward<T>(out, in, cap, n);                                                                           \
  }                                                                                                               \
  /** dIn = dOut · (1 − tanh²(in / cap)); dIn may be dOut. */                                                     \
  extern "C" __global__ void __launch_bounds__(256)                                                               \
      softcap_backward_##SUFFIX(T* dIn, const T* dOut, const T* in, float cap, long long n) {                     \
    softcapBackward<T>(dIn, dOut, in, cap, n);                                                                    \
  }

SOFTCAP(float, f32)
SOFTCAP(bf16, bf16)
