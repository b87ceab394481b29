// Turns the rows of a projection into those that attention reads, and back: queries and keys are normalised by their
// root mean square, scaled and rotated by their position (rotary position embedding); keys and values are copied to each
// head they serve.
//
//   division  y = x · r,  r = 1 / √(mean of x² + ε)          backward  dx = r · dy − x · r³ · mean(dy · x)
//   scaling   z = y · w, w a column's                        backward  dy = dz · w, dw += Σ dz · y
//   turning   (x, y) → (x cos φ − y sin φ, y cos φ + x sin φ)  backward  by −φ
//             of columns i and i + D/2, φ = p · θ^(−2i/D), p the position of the row, low frequencies made lower
//
// Without a scale w is 1. The sums dw have kernels of their own: a warp keeps those of its rows in registers and leaves
// them in memory, the block adds those of its warps up, heads_reduce those of the blocks.
//
// A row of `in` is heads + 2 · kvHeads slots of D columns: queries, keys, values. Each warp has a row. A slot takes as
// many lanes as D needs; each lane has a pack of the slot's first half and the matching one of the second; other lanes
// have the next slots. The angles of a lane are the same for all its slots, so they are computed once per row. A head
// with more packs than lanes takes several turns, each with its own angles.
//
// Bytes for N rows, elements of s bytes, W = (heads + 2 · kvHeads) · D: forward N·(W + 3·C)·s; backward the same, with
// division N·(2·W + 3·C)·s.
#include "columns.cuh"

namespace culebra {

constexpr int HEADS_THREADS = 256;
constexpr int HEADS_WARPS = HEADS_THREADS / WARP;

/** Elements of a pack where sums of gradients take registers, too. */
constexpr int SCALED_PACK = 4;

constexpr double ONE_RADIAN = 0.15915494309189535;  // in turns

/**
 * The frequencies of rotation: that of columns i and i + D/2 is f = 2^(−i · step), step = 2 · log₂(θ) / D, times what
 * rope scaling keeps of it: least + clamp(slope · f / 2π − intercept, 0, 1) · (1 − least).
 */
struct Frequencies {
  double step, least, slope, intercept;

  __device__ __forceinline__ double kept(double turns) const {
    return least + fmin(fmax(turns * slope - intercept, 0.0), 1.0) * (1 - least);
  }
};

/** The parameters of a launch. */
struct HeadsShape {
  int heads, kvHeads, size;
  bool normalised;
  float epsilon;
  bool rotary;
  Frequencies frequencies;

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

  __device__ __forceinline__ void multiply(const Pairs& other) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      first[i] *= other.first[i];
      second[i] *= other.second[i];
    }
  }

  /** this += a · b · factor. */
  __device__ __forceinline__ void addProduct(const Pairs& a, const Pairs& b, float factor) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      first[i] += a.first[i] * (b.first[i] * factor);
      second[i] += a.second[i] * (b.second[i] * factor);
    }
  }

  /** Adds what the lane at this distance has; all lanes of the warp must come here. */
  __device__ __forceinline__ void addLane(int distance) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      first[i] += __shfl_xor_sync(ALL_LANES, first[i], distance);
      second[i] += __shfl_xor_sync(ALL_LANES, second[i], distance);
    }
  }
};

/** The angles of one pack of columns at one position. */
template <int V>
struct Angles {
  float sine[V], cosine[V];

  /**
   * Computes position · frequency for column i = `column` and those after it. In double precision, since an angle may be
   * thousands of turns, of which only the fraction matters.
   */
  __device__ __forceinline__ void compute(int position, int column, const Frequencies& frequencies) {
    const double ratio = exp2(-frequencies.step);
    const double first = exp2(-column * frequencies.step);
    double turns = position * ONE_RADIAN * first, ofOne = ONE_RADIAN * first;
#pragma unroll
    for (int i = 0; i < V; i++, turns *= ratio, ofOne *= ratio) {
      const double kept = frequencies.least == 1 ? turns : turns * frequencies.kept(ofOne);
      sincospif(2 * static_cast<float>(kept - rint(kept)), &sine[i], &cosine[i]);
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

constexpr int NO_PACK = -1;

/** The smallest power of two that has a lane for each pack of a slot, at most a warp. */
__device__ __forceinline__ int lanesFor(int packs) {
  int lanes = WARP;
  while (lanes / 2 >= packs) lanes /= 2;
  return lanes;
}

/**
 * A warp's sums of the gradients of the scales. A lane keeps those of its current pack in registers; if it has several
 * packs, the others lie in memory, which no other lane touches.
 */
template <int V>
struct ScaleSums {
  float* const memory;  // (2, size): of queries, of keys
  const int half, size;
  int pack = NO_PACK;
  Pairs<V> queries, keys;

  __device__ __forceinline__ ScaleSums(float* memory, const HeadsShape& shape)
      : memory(memory), half(shape.half()), size(shape.size) {
    for (int column = threadIdx.x; column < 2 * size; column += WARP) memory[column] = 0;
    __syncwarp();
  }

  __device__ __forceinline__ void moveTo(int next) {
    if (pack == next) return;
    if (pack != NO_PACK) store();
    pack = next;
    queries = keys = {};
    queries.add(memory, pack * V, half, size);
    keys.add(memory + size, pack * V, half, size);
  }

  __device__ __forceinline__ void store() const {
    queries.store(memory, pack * V, half, size);
    keys.store(memory + size, pack * V, half, size);
  }

  /** Stores all sums; of the lanes with the same pack, which are `lanes` apart, the first stores their total. */
  __device__ __forceinline__ void finish() {
    const int lanes = lanesFor((half + V - 1) / V);
    for (int distance = lanes; distance < WARP; distance *= 2) {
      queries.addLane(distance);
      keys.addLane(distance);
    }
    __syncwarp();  // all have read what is now written
    if (threadIdx.x < lanes && pack != NO_PACK) store();
  }
};

/**
 * One warp and one row. A lane keeps its loaded pack and its angles until it moves to another pack. If `scaled`, backward
 * adds the gradients of the scales to `sums`.
 */
template <typename T, int V, bool backward, bool scaled>
struct HeadsOfRow {
  const HeadsShape& shape;
  const int position;
  const T* const in;    // a row of slots; backward reads it only for the normalisation
  const T* const dQkv;  // a packed row; null in forward
  T* const out;         // forward: a packed row; backward: a row of slots
  const T* const queryScale;
  const T* const keyScale;
  ScaleSums<V>* const sums;
  const int packs, lanes;
  int anglesOf = NO_PACK, held = NO_PACK;
  Angles<V> angles;
  Pairs<V> x, d;

  __device__ __forceinline__ HeadsOfRow(const HeadsShape& shape, int position, const T* in, const T* dQkv, T* out,
                                        const T* queryScale, const T* keyScale, ScaleSums<V>* sums)
      : shape(shape), position(position), in(in), dQkv(dQkv), out(out), queryScale(queryScale), keyScale(keyScale),
        sums(sums), packs((shape.half() + V - 1) / V), lanes(lanesFor(packs)) {}

  __device__ __forceinline__ void run() {
    const int together = WARP / lanes;
    for (int first = 0; first < shape.slots(); first += together) {
      const int slot = first + threadIdx.x / lanes;
      held = NO_PACK;
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
        if (scaled) y.multiply(scalesOf(slot, pack));
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
        Pairs<V> dNormed = d;
        if (scaled && shape.isChanged(slot)) dNormed.multiply(scalesOf(slot, pack));
        product += dNormed.dot(x);
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
      if (shape.normalised && shape.isChanged(slot)) {
        if (scaled) {
          addToSums(slot, pack, scale);
          d.multiply(scalesOf(slot, pack));
        }
        d.combine(scale, factor, x);
      }
      d.store(out + slot * shape.size, pack * V, shape.half(), shape.size);
    });
  }

  __device__ __forceinline__ Pairs<V> scalesOf(int slot, int pack) const {
    Pairs<V> scales;
    scales.add(slot < shape.heads ? queryScale : keyScale, pack * V, shape.half(), shape.size);
    return scales;
  }

  /** Adds to both sums, 0 to one of them: to choose one by its address would move both out of registers. */
  __device__ __forceinline__ void addToSums(int slot, int pack, float scale) {
    sums->moveTo(pack);
    sums->queries.addProduct(d, x, slot < shape.heads ? scale : 0);
    sums->keys.addProduct(d, x, slot < shape.heads ? 0 : scale);
  }

  /** 1 / √(mean of squares + ε). */
  __device__ __forceinline__ float inverseRoot(float squares) const {
    return rsqrtf(squares / shape.size + shape.epsilon);
  }

  /** Makes sure that x, and in backward the inversely rotated gradient d, are those of this pack. */
  __device__ __forceinline__ void hold(int slot, int pack) {
    if (held == pack) return;
    held = pack;
    if (shape.rotary && anglesOf != pack) {
      anglesOf = pack;
      angles.compute(position, pack * V, shape.frequencies);
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

template <int V, bool scaled, typename T>
__device__ __forceinline__ void headsForward(T* qkv, const T* in, const T* queryScale, const T* keyScale,
                                             const int* offset, const HeadsShape& shape, int rows, int time) {
  const int first = offset == nullptr ? 0 : *offset;
  const int64_t slotColumns = static_cast<int64_t>(shape.slots()) * shape.size;
  const int64_t packedColumns = 3LL * shape.heads * shape.size;
  for (int row = firstRow(); row < rows; row += rowStride()) {
    HeadsOfRow<T, V, false, scaled>(shape, first + row % time, in + row * slotColumns, nullptr,
                                    qkv + row * packedColumns, queryScale, keyScale, nullptr)
        .run();
  }
}

template <bool scaled, typename T>
__device__ __forceinline__ void headsForward(T* qkv, const T* in, const T* queryScale, const T* keyScale,
                                             const int* offset, const HeadsShape& shape, int rows, int time) {
  if (shape.size % (2 * PACK<T>) == 0 && aligned(qkv, in, queryScale, keyScale)) {
    headsForward<PACK<T>, scaled>(qkv, in, queryScale, keyScale, offset, shape, rows, time);
  } else {
    headsForward<1, scaled>(qkv, in, queryScale, keyScale, offset, shape, rows, time);
  }
}

template <int V, bool scaled, typename T>
__device__ __forceinline__ void headsBackward(T* dIn, const T* dQkv, const T* in, const T* queryScale,
                                              const T* keyScale, ScaleSums<V>* sums, const HeadsShape& shape, int rows,
                                              int time) {
  const int64_t slotColumns = static_cast<int64_t>(shape.slots()) * shape.size;
  const int64_t packedColumns = 3LL * shape.heads * shape.size;
  for (int row = firstRow(); row < rows; row += rowStride()) {
    HeadsOfRow<T, V, true, scaled>(shape, row % time, in + row * slotColumns, dQkv + row * packedColumns,
                                   dIn + row * slotColumns, queryScale, keyScale, sums)
        .run();
  }
}

template <typename T>
__device__ __forceinline__ void headsBackward(T* dIn, const T* dQkv, const T* in, const HeadsShape& shape, int rows,
                                              int time) {
  const T* const none = nullptr;
  if (shape.size % (2 * PACK<T>) == 0 && aligned(dIn, dQkv, in)) {
    headsBackward<PACK<T>, false>(dIn, dQkv, in, none, none, nullptr, shape, rows, time);
  } else {
    headsBackward<1, false>(dIn, dQkv, in, none, none, nullptr, shape, rows, time);
  }
}

/** partials (blocks, HEADS_WARPS, 2, size): of the first warp of each block, the block's sums. */
template <int V, typename T>
__device__ __forceinline__ void headsScaledBackward(T* dIn, float* partials, const T* dQkv, const T* in,
                                                    const T* queryScale, const T* keyScale, const HeadsShape& shape,
                                                    int rows, int time) {
  const int columns = 2 * shape.size;
  float* const ofBlock = partials + static_cast<int64_t>(blockIdx.x) * HEADS_WARPS * columns;
  ScaleSums<V> sums(ofBlock + threadIdx.y * columns, shape);
  headsBackward<V, true>(dIn, dQkv, in, queryScale, keyScale, &sums, shape, rows, time);
  sums.finish();
  __syncthreads();
  for (int column = threadIdx.y * WARP + threadIdx.x; column < columns; column += HEADS_THREADS) {
    float sum = 0;
    for (int warp = 0; warp < HEADS_WARPS; warp++) sum += ofBlock[warp * columns + column];
    ofBlock[column] = sum;
  }
}

template <typename T>
__device__ __forceinline__ void headsScaledBackward(T* dIn, float* partials, const T* dQkv, const T* in,
                                                    const T* queryScale, const T* keyScale, const HeadsShape& shape,
                                                    int rows, int time) {
  if (shape.size % (2 * SCALED_PACK) == 0 && aligned(dIn, dQkv, in, queryScale, keyScale)) {
    headsScaledBackward<SCALED_PACK>(dIn, partials, dQkv, in, queryScale, keyScale, shape, rows, time);
  } else {
    headsScaledBackward<1>(dIn, partials, dQkv, in, queryScale, keyScale, shape, rows, time);
  }
}

}  // namespace culebra

using namespace culebra;

/** From the parameters of a launch. */
#define HEADS_SHAPE \
  HeadsShape { heads, kvHeads, size, normalised != 0, epsilon, rotary != 0, {step, least, slope, intercept} }

#define HEADS(T, SUFFIX)                                                                                              \
  /** qkv (rows, 3, heads, size) from in (rows, heads + 2 · kvHeads, size); offset (1) or null. */                    \
  extern "C" __global__ void __launch_bounds__(HEADS_THREADS, 2)                                                      \
      heads_forward_##SUFFIX(T* qkv, const T* in, const int* offset, int rows, int time, int heads, int kvHeads,      \
                             int size, int normalised, float epsilon, int rotary, double step, double least,          \
                             double slope, double intercept) {                                                        \
    const T* const none = nullptr;                                                                                    \
    headsForward<false>(qkv, in, none, none, offset, HEADS_SHAPE, rows, time);                                        \
  }                                                                                                                   \
  /** The same with scales (size) of queries and keys. */                                                             \
  extern "C" __global__ void __launch_bounds__(HEADS_THREADS, 2)                                                      \
      heads_scaled_forward_##SUFFIX(T* qkv, const T* in, const T* queryScale, const T* keyScale, const int* offset,   \
                                    int rows, int time, int heads, int kvHeads, int size, int normalised,             \
                                    float epsilon, int rotary, double step, double least, double slope,               \
                                    double intercept) {                                                               \
    headsForward<true>(qkv, in, queryScale, keyScale, offset, HEADS_SHAPE, rows, time);                               \
  }                                                                                                                   \
  /** dIn as in, from dQkv as qkv; in is only read where normalised. */                                               \
  extern "C" __global__ void __launch_bounds__(HEADS_THREADS, 2)                                                      \
      heads_backward_##SUFFIX(T* dIn, const T* dQkv, const T* in, int rows, int time, int heads, int kvHeads, int size,\
                              int normalised, float epsilon, int rotary, double step, double least, double slope,     \
                              double intercept) {                                                                     \
    headsBackward<T>(dIn, dQkv, in, HEADS_SHAPE, rows, time);                                                         \
  }                                                                                                                   \
  /** The same with scales; partials (blocks, HEADS_WARPS, 2, size). */                                               \
  extern "C" __global__ void __launch_bounds__(HEADS_THREADS, 2)                                                      \
      heads_scaled_backward_##SUFFIX(T* dIn, float* partials, const T* dQkv, const T* in, const T* queryScale,        \
                                     const T* keyScale, int rows, int time, int heads, int kvHeads, int size,         \
                                     int normalised, float epsilon, int rotary, double step, double least,            \
                                     double slope, double intercept) {                                                \
    headsScaledBackward<T>(dIn, partials, dQkv, in, queryScale, keyScale, HEADS_SHAPE, rows, time);                   \
  }

HEADS(float, f32)
HEADS(bf16, bf16)

/** dQueryScale, dKeyScale (size) += the sums of partials (blocks, HEADS_WARPS, 2, size), the first warp's of each block. */
extern "C" __global__ void __launch_bounds__(COLUMN_THREADS* COLUMN_PARTS)
    heads_reduce_f32(float* dQueryScale, float* dKeyScale, const float* partials, int blocks, int size) {
  float* const to = blockIdx.y == 0 ? dQueryScale : dKeyScale;
  addColumnSums(to, partials + blockIdx.y * size, blocks, static_cast<int64_t>(HEADS_WARPS) * 2 * size, size);
}
