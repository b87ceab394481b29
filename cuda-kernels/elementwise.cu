// The simplest kernels: sum of two tensors, fill, type conversion. A thread moves one 16-byte pack of the wider type.
// Bytes for n elements of s bytes: add 3·n·s, fill n·s, convert 6·n.
#include "common.cuh"

namespace culebra {

template <typename T>
__device__ __forceinline__ void add(T* out, const T* a, const T* b, int64_t n) {
  forEachPack<PACK<T>>(aligned(out, a, b), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    auto x = loadOnce<V>(a + at);
    const auto y = loadOnce<V>(b + at);
#pragma unroll
    for (int i = 0; i < V; i++) x.set(i, x[i] + y[i]);
    store<V>(out + at, x);
  });
}

template <typename T>
__device__ __forceinline__ void fill(T* out, float value, int64_t n) {
  forEachPack<PACK<T>>(aligned(out), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    Pack<T, V> x;
#pragma unroll
    for (int i = 0; i < V; i++) x.set(i, value);
    store<V>(out + at, x);
  });
}

template <typename To, typename From>
__device__ __forceinline__ void convert(To* out, const From* in, int64_t n) {
  forEachPack<PACK<bf16>>(aligned(out, in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    const auto x = loadOnce<V>(in + at);
    Pack<To, V> y;
#pragma unroll
    for (int i = 0; i < V; i++) y.set(i, x[i]);
    store<V>(out + at, y);
  });
}

}  // namespace culebra

using namespace culebra;

#define ELEMENTWISE(T, OTHER, SUFFIX)                                                                             \
  /** out = a + b; in place allowed. */                                                                           \
  extern "C" __global__ void __launch_bounds__(256) add_##SUFFIX(T* out, const T* a, const T* b, long long n) {   \
    add<T>(out, a, b, n);                                                                                         \
  }                                                                                                               \
  extern "C" __global__ void __launch_bounds__(256) fill_##SUFFIX(T* out, float value, long long n) {             \
    fill<T>(out, value, n);                                                                                       \
  }                                                                                                               \
  /** out = in, which is of the other type; to bf16 rounds to nearest even. */                                    \
  extern "C" __global__ void __launch_bounds__(256) convert_##SUFFIX(T* out, const OTHER* in, long long n) {      \
    convert<T, OTHER>(out, in, n);                                                                                \
  }

ELEMENTWISE(float, bf16, f32)
ELEMENTWISE(bf16, float, bf16)
