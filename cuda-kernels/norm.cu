// Global norm, √ Σ in², in two stages: each block leaves a partial sum, one block adds them up in order.
//
// A thread reads four floats at a time; their squares are added in single, everything else in double precision, which
// costs one operation of the slow unit for 16 bytes. The grid, and with it the order of the sums, depends on the device
// and on n alone. Bytes: 4·n.
#include "common.cuh"

namespace culebra {

constexpr int NORM_THREADS = 512;
constexpr int TOTAL_THREADS = 1024;

}  // namespace culebra

using namespace culebra;

/** partials (blocks) = the blocks' shares of Σ in². */
extern "C" __global__ void __launch_bounds__(NORM_THREADS)
    norm_partials_f32(double* partials, const float* in, long long n) {
  double sum = 0;
  forEachPack<PACK<float>>(aligned(in), n, [&](auto elements, int64_t at) {
    constexpr int V = decltype(elements)::COUNT;
    const auto x = load<V>(in + at);
    float squares = 0;
#pragma unroll
    for (int i = 0; i < V; i++) squares += x[i] * x[i];
    sum += squares;
  });
  sum = rowReduce(sum, Sum{});
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

/** norm (1) = √ Σ partials. One block. */
extern "C" __global__ void __launch_bounds__(TOTAL_THREADS)
    norm_f32(float* norm, const double* partials, int count) {
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) sum += partials[i];
  sum = rowReduce(sum, Sum{});
  if (threadIdx.x == 0) *norm = static_cast<float>(sqrt(sum));
}
