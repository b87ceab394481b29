// What all kernels share: element types, 16-byte packs, sums over the threads of a row, a loop over flat memory.
//
// Storage is float or bf16, arithmetic is float. A kernel's body is a template over the storage type T and the number
// V of elements that a thread moves at once: V = PACK<T> (16 bytes) where all addresses allow it, else V = 1.
#pragma once

#include <cuda_bf16.h>
#include <stdint.h>

namespace culebra {

using bf16 = __nv_bfloat16;

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;
constexpr int MAX_WARPS = 32;

// ---- elements -------------------------------------------------------------------------------------------------------

__device__ __forceinline__ float toFloat(float x) { return x; }
__device__ __forceinline__ float toFloat(bf16 x) { return __bfloat162float(x); }

template <typename T>
__device__ __forceinline__ T fromFloat(float x);
template <>
__device__ __forceinline__ float fromFloat<float>(float x) { return x; }
template <>
__device__ __forceinline__ bf16 fromFloat<bf16>(float x) { return __float2bfloat16(x); }

/** The float that is stored when x is written to a T. */
template <typename T>
__device__ __forceinline__ float rounded(float x) { return toFloat(fromFloat<T>(x)); }

// ---- packs ----------------------------------------------------------------------------------------------------------

/** Elements of T in 16 bytes, the widest load of a thread. */
template <typename T>
constexpr int PACK = 16 / sizeof(T);

/** The machine words that move BYTES bytes. */
template <int BYTES>
struct Words { using Type = uint4; };
template <>
struct Words<8> { using Type = uint2; };
template <>
struct Words<4> { using Type = unsigned; };
template <>
struct Words<2> { using Type = unsigned short; };

/** V consecutive elements in the registers of a thread; more than 16 bytes are moved as several words. */
template <typename T, int V>
struct Pack {
  using Word = typename Words<sizeof(T) * V>::Type;
  static constexpr int WORDS = sizeof(T) * V / sizeof(Word);

  Word words[WORDS];

  __device__ __forceinline__ float operator[](int i) const {
    T element;
    memcpy(&element, reinterpret_cast<const char*>(words) + sizeof(T) * i, sizeof(T));
    return toFloat(element);
  }

  __device__ __forceinline__ void set(int i, float value) {
    T element = fromFloat<T>(value);
    memcpy(reinterpret_cast<char*>(words) + sizeof(T) * i, &element, sizeof(T));
  }
};

template <int V, typename T>
__device__ __forceinline__ Pack<T, V> load(const T* from) {
  using Word = typename Pack<T, V>::Word;
  Pack<T, V> pack;
#pragma unroll
  for (int i = 0; i < Pack<T, V>::WORDS; i++) pack.words[i] = reinterpret_cast<const Word*>(from)[i];
  return pack;
}

/** Of what is not read again soon: the caches give it up first. */
template <int V, typename T>
__device__ __forceinline__ Pack<T, V> loadOnce(const T* from) {
  using Word = typename Pack<T, V>::Word;
  Pack<T, V> pack;
#pragma unroll
  for (int i = 0; i < Pack<T, V>::WORDS; i++) pack.words[i] = __ldcs(reinterpret_cast<const Word*>(from) + i);
  return pack;
}

template <int V, typename T>
__device__ __forceinline__ void store(T* to, const Pack<T, V>& pack) {
  using Word = typename Pack<T, V>::Word;
#pragma unroll
  for (int i = 0; i < Pack<T, V>::WORDS; i++) reinterpret_cast<Word*>(to)[i] = pack.words[i];
}

/** Of what is not read again soon. */
template <int V, typename T>
__device__ __forceinline__ void storeOnce(T* to, const Pack<T, V>& pack) {
  using Word = typename Pack<T, V>::Word;
#pragma unroll
  for (int i = 0; i < Pack<T, V>::WORDS; i++) __stcs(reinterpret_cast<Word*>(to) + i, pack.words[i]);
}

/** Whether all addresses are multiples of 16; null is. */
template <typename... P>
__device__ __forceinline__ bool aligned(const P*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) | ...) & 15) == 0;
}

// ---- sums over threads ----------------------------------------------------------------------------------------------

struct Sum {
  template <typename X>
  __device__ __forceinline__ X operator()(X a, X b) const {
    return a + b;
  }
  template <typename X>
  static __device__ __forceinline__ X neutral() {
    return 0;
  }
};

struct Max {
  template <typename X>
  __device__ __forceinline__ X operator()(X a, X b) const {
    return a > b ? a : b;
  }
  template <typename X>
  static __device__ __forceinline__ X neutral() {
    return -__builtin_huge_val();
  }
};

template <typename X, typename Combine>
__device__ __forceinline__ X warpReduce(X x, Combine combine) {
#pragma unroll
  for (int distance = WARP / 2; distance > 0; distance /= 2) x = combine(x, __shfl_xor_sync(ALL_LANES, x, distance));
  return x;
}

/**
 * N reductions over the threads of a row, which all get the results: blockDim.x threads, whole warps. A block has
 * blockDim.y rows of one warp, or one row of several warps; then all threads of the block must come here. The order of
 * the operations is fixed.
 */
template <int N, typename X, typename Combine>
__device__ __forceinline__ void rowReduce(X (&x)[N], Combine combine) {
#pragma unroll
  for (int i = 0; i < N; i++) x[i] = warpReduce(x[i], combine);
  if (blockDim.x == WARP) return;
  __shared__ X ofWarp[N][MAX_WARPS];
  const int lane = threadIdx.x % WARP;
  __syncthreads();  // the last reduction's results have been read
  if (lane == 0) {
#pragma unroll
    for (int i = 0; i < N; i++) ofWarp[i][threadIdx.x / WARP] = x[i];
  }
  __syncthreads();
  const int warps = blockDim.x / WARP;
#pragma unroll
  for (int i = 0; i < N; i++) {
    x[i] = warpReduce(lane < warps ? ofWarp[i][lane] : Combine::template neutral<X>(), combine);
  }
}

template <typename X, typename Combine>
__device__ __forceinline__ X rowReduce(X x, Combine combine) {
  X values[1] = {x};
  rowReduce(values, combine);
  return values[0];
}

// ---- rows -----------------------------------------------------------------------------------------------------------

/**
 * How the threads of a row share its columns: thread x has pack x, x + blockDim.x, … in K packs of registers. A row that
 * is too wide for them is cut into chunks; then what a thread held has to be read again in each pass.
 */
template <int V, int K>
struct RowTile {
  static constexpr int PACKS = K;

  const int columns;

  __device__ __forceinline__ explicit RowTile(int columns) : columns(columns) {}

  __device__ __forceinline__ int chunks() const {
    const int columnsOfChunk = K * V * blockDim.x;
    return (columns + columnsOfChunk - 1) / columnsOfChunk;
  }

  /** body(k, column) for each pack k of this thread in the chunk; column is that of its first element. */
  template <typename Body>
  __device__ __forceinline__ void forEach(int chunk, Body body) const {
#pragma unroll
    for (int k = 0; k < K; k++) {
      const int column = ((chunk * K + k) * blockDim.x + threadIdx.x) * V;
      if (column < columns) body(k, column);
    }
  }
};

/** The first row of this thread, and the distance to its next one, where blocks share rows in turn. */
__device__ __forceinline__ int firstRow() { return blockIdx.x * blockDim.y + threadIdx.y; }
__device__ __forceinline__ int rowStride() { return gridDim.x * blockDim.y; }

// ---- flat memory ----------------------------------------------------------------------------------------------------

/** Says at compile time how many elements to move. */
template <int V>
struct Elements {
  static constexpr int COUNT = V;
};

/**
 * body(Elements<V>, offset) for all n elements, in packs of V; the last n % V, and all of them where addresses are not
 * aligned, one by one as Elements<1>. Any grid of one-dimensional blocks.
 */
template <int V, typename Body>
__device__ __forceinline__ void forEachPack(bool aligned, int64_t n, Body body) {
  const int64_t packs = aligned ? n / V : 0;
  const int64_t items = packs + (n - packs * V);
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < items; i += stride) {
    if (i < packs) {
      body(Elements<V>{}, i * V);
    } else {
      body(Elements<1>{}, packs * V + (i - packs));
    }
  }
}

}  // namespace culebra
