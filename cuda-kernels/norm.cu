// Norms, √ Σ in², of one tensor or of each of several contiguous ones, in two stages: each block stores a partial sum,
// then one block per tensor adds them up in order.
//
// A thread reads 16 bytes at a time; their squares are added in single precision, everything else in double, which costs
// one operation on the slow unit per 16 bytes. The grid, and thus the order of the sums, depends only on the device and
// on n. Bytes: n·s.
#include "common.cuh"

namespace culebra {

constexpr int NORM_THREADS = 512;
constexpr int TOTAL_THREADS = 1024;

template <typename T>
__device__ __forceinline__ void normPartial(double* partial, const T* in, int64_t n) {
  double sum = 0;
  forEachPack<PACK<T>>(aligned(in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    const auto x = load<V>(in + at);
    float squares = 0;
#pragma unroll
    for (int i = 0; i < V; i++) squares += x[i] * x[i];
    sum += squares;
  });
  sum = rowReduce(sum, Sum{});
  if (threadIdx.x == 0) *partial = sum;
}

}  // namespace culebra

using namespace culebra;

#define NORM_PARTIALS(T, SUFFIX)                                                                                    \
  /** partials (gridDim.y, gridDim.x) = the blocks' shares of Σ in² for each of gridDim.y tensors of n elements. */ \
  extern "C" __global__ void __launch_bounds__(NORM_THREADS)                                                        \
      norm_partials_##SUFFIX(double* partials, const T* in, long long n) {                                          \
    normPartial(partials + blockIdx.y * gridDim.x + blockIdx.x, in + blockIdx.y * n, n);                            \
  }

NORM_PARTIALS(float, f32)
NORM_PARTIALS(bf16, bf16)

/** norm (gridDim.x) = √ Σ partials, count of them for each. */
extern "C" __global__ void __launch_bounds__(TOTAL_THREADS)
    norm_f32(float* norm, const double* partials, int count) {
  partials += static_cast<int64_t>(blockIdx.x) * count;
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) sum += partials[i];
  sum = rowReduce(sum, Sum{});
  if (threadIdx.x == 0) norm[blockIdx.x] = static_cast<float>(sqrt(sum));
}
