// The parts of a linear layer other than its matrix products: bias and activation after the forward product. (The gradient
// of the bias is in column_sums.cu.)
//
// The epilogue runs over the product, one block per stretch of columns, whose bias stays in registers from row to row.
// Bytes for (N, OC) elements of s bytes: 2·N·OC·s, and N·OC·s more if the pre-activation is not saved in place of the
// product.
#include "activation.cuh"

namespace culebra {

template <typename T, int V>
__device__ __forceinline__ void epilogue(T* out, T* preActivation, const T* product, const T* bias, int activation,
                                         int rows, int columns) {
  const int column = (blockIdx.x * blockDim.x + threadIdx.x) * V;
  if (column >= columns) return;
  Pack<T, V> b;
  if (bias != nullptr) b = load<V>(bias + column);
  withActivation(activation, [&](auto kind) {
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
      const int64_t at = static_cast<int64_t>(row) * columns + column;
      auto x = loadOnce<V>(product + at);
      if (bias != nullptr) {
#pragma unroll
        for (int i = 0; i < V; i++) x.set(i, x[i] + b[i]);
      }
      if (preActivation != nullptr) storeOnce<V>(preActivation + at, x);
#pragma unroll
      for (int i = 0; i < V; i++) x.set(i, activate<decltype(kind)::VALUE>(x[i]));
      store<V>(out + at, x);
    }
  });
}

template <typename T>
__device__ __forceinline__ void linearEpilogue(T* out, T* preActivation, const T* product, const T* bias,
                                               int activation, int rows, int columns) {
  if (columns % PACK<T> == 0 && aligned(out, preActivation, product, bias)) {
    epilogue<T, PACK<T>>(out, preActivation, product, bias, activation, rows, columns);
  } else {
    epilogue<T, 1>(out, preActivation, product, bias, activation, rows, columns);
  }
}

}  // namespace culebra

using namespace culebra;

#define LINEAR(T, SUFFIX)                                                                                         \
  /** preActivation = product + bias; out = activation(preActivation). bias and preActivation may be null, out and    \
      preActivation may be the product. */                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                               \
      linear_epilogue_##SUFFIX(T* out, T* preActivation, const T* product, const T* bias, int activation,         \
                               int rows, int columns) {                                                           \
    linearEpilogue<T>(out, preActivation, product, bias, activation, rows, columns);                              \
  }

LINEAR(float, f32)
LINEAR(bf16, bf16)
