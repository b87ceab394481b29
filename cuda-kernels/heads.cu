// Turns the rows of a projection into those that attention reads, and back: queries and keys are normalised by their
// root mean square and rotated by their position (rotary position embedding); keys and values are copied to each head
// they serve.
//
//   division  y = x · r,  r = 1 / √(mean of x² + ε)          backward  dx = r · dy − x · r³ · mean(dy · x)
//   turning   (x, y) → (x cos φ − y sin φ, y cos φ + x sin φ)  backward  by −φ
//             of columns i and i + D/2, φ = p · 10000^(−2i/D), p the position of the row
//
// A row of `in` is heads + 2 · kvHeads slots of D columns: queries, keys, values. Each warp has a row. A slot takes as
// many lanes as D needs; each lane has a pack of the slot's first half and the matching one of the second; other lanes
// have the next slots. The angles of a lane are the same for all its slots, so they are computed once per row. A head
// with more packs than lanes takes several turns, each with its own angles.
//
// Bytes for N rows, elements of s bytes, W = (heads + 2 · kvHeads) · D: forward N·(W + 3·C)·s; backward the same, with
// division N·(2·W + 3·C)·s.
#include "common.cuh"

namespace culebra {

constexpr float HEADS_EPSILON = 1e-5f;
constexpr int HEADS_THREADS = 256;

constexpr double ONE_RADIAN = 0.15915494309189535;  // in turns

/** The parameters of a launch. frequencyStep = 2 · log₂(10000) / D. */
struct HeadsShape {
  int heads, kvHeads, size;
  bool normalised, rotary;
  double frequencyStep;

  __device__ __forceinline__ int slots() const { return heads + 2 * kvHeads; }
  __device__ __forceinline__ int group() const { return heads / kvHeads; }
  __device__ __forceinline__ int half() const { return (size + 1) / 2; }
  /** Values are not changed. */
  __device__ __forceinline__ bool isChanged(int slot) const { return slot < heads + kvHeads; }
  __device__ __forceinline__ int places(int slot) const { return slot < heads ? 1 : group(); }
  /** The column of a packed row (3, heads, D) where the first of a slot's places starts. */
  __device__ __forceinline__ int firstPlace(int slot) const {
    if (slot < heads) return slot * size;
    const int key = slot - heads;
    return key < kvHeads ? (heads + key * group()) * size : (2 * heads + (key - kvHeads) * group()) * size;
  }
};

/** A lane's part of a slot: V elements of its first half, and the matching ones of the second. */
template <int V>
struct Pairs {
  float first[V] = {}, second[V] = {};

  template <typename T>
  __device__ __forceinline__ void add(const T* slot, int column, int half, int size) {
    const auto x = load<V>(slot + column);
#pragma unroll
    for (int i = 0; i < V; i++) first[i] += x[i];
    if (column + half >= size) return;  // the middle one of an odd number
    const auto y = load<V>(slot + column + half);
#pragma unroll
    for (int i = 0; i < V; i++) second[i] += y[i];
  }

  template <typename T>
  __device__ __forceinline__ void store(T* slot, int column, int half, int size) const {
    Pack<T, V> x, y;
#pragma unroll
    for (int i = 0; i < V; i++) {
      x.set(i, first[i]);
      y.set(i, second[i]);
    }
    culebra::store<V>(slot + column, x);
    if (column + half < size) culebra::store<V>(slot + column + half, y);
  }

  __device__ __forceinline__ float dot(const Pairs& other) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < V; i++) sum += first[i] * other.first[i] + second[i] * other.second[i];
    return sum;
  }

  /** this = scale · this − factor · x. */
  __device__ __forceinline__ void combine(float scale, float factor, const Pairs& x) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      first[i] = scale * first[i] - factor * x.first[i];
      second[i] = scale * second[i] - factor * x.second[i];
    }
  }

  __device__ __forceinline__ void scale(float factor) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      first[i] *= factor;
      second[i] *= factor;
    }
  }
};

/** The angles of one pack of columns at one position. */
template <int V>
struct Angles {
  float sine[V], cosine[V];

  /**
   * Computes position · 10000^(−2i/D) for column i = `column` and those after it, as 2^(−i · step). In double precision,
   * since an angle may be thousands of turns, of which only the fraction matters.
   */
  __device__ __forceinline__ void compute(int position, int column, double step) {
    const double ratio = exp2(-step);
    double turns = position * ONE_RADIAN * exp2(-column * step);
#pragma unroll
    for (int i = 0; i < V; i++, turns *= ratio) {
      sincospif(2 * static_cast<float>(turns - rint(turns)), &sine[i], &cosine[i]);
    }
  }

  /** Rotates by the angle, or if `back` by its negative. */
  template <bool back>
  __device__ __forceinline__ void turn(Pairs<V>& pairs) const {
#pragma unroll
    for (int i = 0; i < V; i++) {
      const float x = pairs.first[i], y = pairs.second[i], s = back ? -sine[i] : sine[i];
      pairs.first[i] = x * cosine[i] - y * s;
      pairs.second[i] = y * cosine[i] + x * s;
    }
  }
};

/** One warp and one row. A lane keeps its loaded pack and its angles until it moves to another pack. */
template <typename T, int V, bool backward>
struct HeadsOfRow {
  static constexpr int NONE = -1;

  const HeadsShape& shape;
  const int position;
  const T* const in;    // a row of slots; backward reads it only for the normalisation
  const T* const dQkv;  // a packed row; null in forward
  T* const out;         // forward: a packed row; backward: a row of slots
  const int packs, lanes;
  int anglesOf = NONE, held = NONE;
  Angles<V> angles;
  Pairs<V> x, d;

  __device__ __forceinline__ HeadsOfRow(const HeadsShape& shape, int position, const T* in, const T* dQkv, T* out)
      : shape(shape), position(position), in(in), dQkv(dQkv), out(out), packs((shape.half() + V - 1) / V),
        lanes(lanesFor(packs)) {}

  /** The smallest power of two that has a lane for each pack, at most a warp. */
  static __device__ __forceinline__ int lanesFor(int packs) {
    int lanes = WARP;
    while (lanes / 2 >= packs) lanes /= 2;
    return lanes;
  }

  __device__ __forceinline__ void run() {
    const int together = WARP / lanes;
    for (int first = 0; first < shape.slots(); first += together) {
      const int slot = first + threadIdx.x / lanes;
      held = NONE;
      if (backward) {
        backwardOf(slot);
      } else {
        forwardOf(slot);
      }
    }
  }

  /** body(pack) for each pack of this lane. */
  template <typename Body>
  __device__ __forceinline__ void forEachPack(int slot, Body body) {
    if (slot >= shape.slots()) return;
    for (int pack = threadIdx.x % lanes; pack < packs; pack += lanes) body(pack);
  }

  /** Sum over the lanes of a slot; all lanes of the warp must call this. */
  __device__ __forceinline__ float slotSum(float value) const {
    for (int distance = lanes / 2; distance > 0; distance /= 2) {
      value += __shfl_xor_sync(ALL_LANES, value, distance);
    }
    return value;
  }

  __device__ __forceinline__ void forwardOf(int slot) {
    float scale = 1;
    if (shape.normalised) {
      float squares = 0;
      forEachPack(slot, [&](int pack) {
        hold(slot, pack);
        squares += x.dot(x);
      });
      squares = slotSum(squares);
      if (shape.isChanged(slot)) scale = inverseRoot(squares);
    }
    forEachPack(slot, [&](int pack) {
      hold(slot, pack);
      Pairs<V> y = x;
      if (shape.isChanged(slot)) {
        y.scale(scale);
        if (shape.rotary) angles.template turn<false>(y);
      }
      T* to = out + shape.firstPlace(slot);
      for (int place = 0; place < shape.places(slot); place++) {
        y.store(to + place * shape.size, pack * V, shape.half(), shape.size);
      }
    });
  }

  __device__ __forceinline__ void backwardOf(int slot) {
    float scale = 1, factor = 0;
    if (shape.normalised) {
      float squares = 0, product = 0;
      forEachPack(slot, [&](int pack) {
        hold(slot, pack);
        squares += x.dot(x);
        product += d.dot(x);
      });
      squares = slotSum(squares);
      product = slotSum(product);
      if (shape.isChanged(slot)) {
        scale = inverseRoot(squares);
        factor = scale * scale * scale * (product / shape.size);
      }
    }
    forEachPack(slot, [&](int pack) {
      hold(slot, pack);
      if (shape.normalised && shape.isChanged(slot)) d.combine(scale, factor, x);
      d.store(out + slot * shape.size, pack * V, shape.half(), shape.size);
    });
  }

  /** 1 / √(mean of squares + ε). */
  __device__ __forceinline__ float inverseRoot(float squares) const {
    return rsqrtf(squares / shape.size + HEADS_EPSILON);
  }

  /** Makes sure that x, and in backward the inversely rotated gradient d, are those of this pack. */
  __device__ __forceinline__ void hold(int slot, int pack) {
    if (held == pack) return;
    held = pack;
    if (shape.rotary && anglesOf != pack) {
      anglesOf = pack;
      angles.compute(position, pack * V, shape.frequencyStep);
    }
    if (!backward || shape.normalised) {
      x = {};
      x.add(in + slot * shape.size, pack * V, shape.half(), shape.size);
    }
    if (backward) {
      d = {};
      const T* from = dQkv + shape.firstPlace(slot);
      for (int place = 0; place < shape.places(slot); place++) {
        d.add(from + place * shape.size, pack * V, shape.half(), shape.size);
      }
      if (shape.rotary && shape.isChanged(slot)) angles.template turn<true>(d);
    }
  }
};

template <bool backward, int V, typename T>
__device__ __forceinline__ void headsRows(T* out, const T* in, const T* dQkv, const int* offset, const HeadsShape& shape,
                                          int rows, int time) {
  const int first = offset == nullptr ? 0 : *offset;
  const int64_t slotColumns = static_cast<int64_t>(shape.slots()) * shape.size;
  const int64_t packedColumns = 3LL * shape.heads * shape.size;
  for (int row = firstRow(); row < rows; row += rowStride()) {
    const T* from = in + row * slotColumns;
    if (backward) {
      T* to = out + row * slotColumns;
      HeadsOfRow<T, V, true>(shape, row % time, from, dQkv + row * packedColumns, to).run();
    } else {
      HeadsOfRow<T, V, false>(shape, first + row % time, from, nullptr, out + row * packedColumns).run();
    }
  }
}

template <bool backward, typename T>
__device__ __forceinline__ void headsRows(T* out, const T* in, const T* dQkv, const int* offset, const HeadsShape& shape,
                                          int rows, int time) {
  if (shape.size % (2 * PACK<T>) == 0 && aligned(out, in, dQkv)) {
    headsRows<backward, PACK<T>>(out, in, dQkv, offset, shape, rows, time);
  } else {
    headsRows<backward, 1>(out, in, dQkv, offset, shape, rows, time);
  }
}

}  // namespace culebra

using namespace culebra;

#define HEADS(T, SUFFIX)                                                                                              \
  /** qkv (rows, 3, heads, size) from in (rows, heads + 2 · kvHeads, size); offset (1) or null. */                    \
  extern "C" __global__ void __launch_bounds__(HEADS_THREADS, 2)                                                      \
      heads_forward_##SUFFIX(T* qkv, const T* in, const int* offset, int rows, int time, int heads, int kvHeads,      \
                             int size, int normalised, int rotary, double step) {                                     \
    const HeadsShape shape{heads, kvHeads, size, normalised != 0, rotary != 0, step};                                 \
    headsRows<false, T>(qkv, in, nullptr, offset, shape, rows, time);                                                 \
  }                                                                                                                   \
  /** dIn as in, from dQkv as qkv; in is only read where normalised. */                                               \
  extern "C" __global__ void __launch_bounds__(HEADS_THREADS, 2)                                                      \
      heads_backward_##SUFFIX(T* dIn, const T* dQkv, const T* in, int rows, int time, int heads, int kvHeads,         \
                              int size, int normalised, int rotary, double step) {                                    \
    const HeadsShape shape{heads, kvHeads, size, normalised != 0, rotary != 0, step};                                 \
    headsRows<true, T>(dIn, in, dQkv, nullptr, shape, rows, time);                                                    \
  }

HEADS(float, f32)
HEADS(bf16, bf16)
