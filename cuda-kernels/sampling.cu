// Draws a token from each row of logits: temperature, top-k, top-p, one uniform number; one block per row.
//
// All sums are of integers, so that neither order nor atomics matter: a token has the weight exp((logit − max) / T) ·
// 2⁴⁰. Top-k and top-p are one question: at which token, in order of likelihood and for equals of index, does a mass
// (one per token, or its weight) reach a limit? The answer is a Boundary, found digit by digit of the logit's bits: a
// histogram of mass in shared memory for 11 bits per pass. For the draw each thread has a stretch of consecutive tokens;
// a scan over the stretches' weights finds the one in which the running sum passes the drawn share of the total.
//
// Bytes: 2·V for a row of V logits in bf16; the up to 11 passes over it after the first come from the L1 cache.
#include "philox.cuh"

namespace culebra {

constexpr int SAMPLE_THREADS = 1024;
constexpr int DIGIT_BITS = 11;
constexpr int BINS = 1 << DIGIT_BITS;
constexpr int BINS_PER_THREAD = BINS / SAMPLE_THREADS;
constexpr int KEY_BITS = 32;

/** Weight of a token whose probability is the largest. */
constexpr float WEIGHT_OF_LARGEST = 1099511627776.0f;  // 2⁴⁰

struct LargerOf {
  __device__ __forceinline__ uint64_t operator()(uint64_t a, uint64_t b) const { return a > b ? a : b; }
  template <typename X>
  static __device__ __forceinline__ X neutral() {
    return 0;
  }
};

/** A number with the order of the logits. */
__device__ __forceinline__ uint32_t keyOf(float logit) {
  const uint32_t bits = __float_as_uint(logit + 0.0f);  // −0 and 0 are equal
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float logitOf(uint32_t key) {
  return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

/** Tokens with a larger key are eligible, and the first `ties` of those with this key. */
struct Boundary {
  uint32_t key;
  uint32_t ties;
};

/** Σ of x over the threads before this one, and in total over all of them. All threads of the block must call this. */
__device__ __forceinline__ uint64_t sumBefore(uint64_t x, uint64_t& total) {
  __shared__ uint64_t ofWarp[SAMPLE_THREADS / WARP];
  const int lane = threadIdx.x % WARP;
  const int warp = threadIdx.x / WARP;
  uint64_t upTo = x;
#pragma unroll
  for (int distance = 1; distance < WARP; distance *= 2) {
    const uint64_t below = __shfl_up_sync(ALL_LANES, upTo, distance);
    if (lane >= distance) upTo += below;
  }
  __syncthreads();  // all have read the last sums
  if (lane == WARP - 1) ofWarp[warp] = upTo;
  __syncthreads();
  uint64_t before = 0;
  total = 0;
  for (int w = 0; w < SAMPLE_THREADS / WARP; w++) {
    if (w < warp) before += ofWarp[w];
    total += ofWarp[w];
  }
  return before + upTo - x;
}

/** The bits of a key from `shift` on; only keys with this prefix above them count. */
struct KeyDigit {
  uint32_t prefix;
  int shift;
  int bits;
};

/** The known prefix of a key, and the mass still wanted from the keys with this prefix. */
struct Digit {
  uint32_t prefix;
  uint64_t wanted;
};

/** Mass by digit, in shared memory. All threads of the block must call all methods except add. */
struct Histogram {
  unsigned long long bins[BINS];
  Digit found;

  __device__ __forceinline__ void clear() {
    __syncthreads();  // all have read the last result
    for (int i = threadIdx.x; i < BINS; i += SAMPLE_THREADS) bins[i] = 0;
    __syncthreads();
  }

  __device__ __forceinline__ void add(KeyDigit place, uint32_t key, uint64_t mass) {
    if (static_cast<uint64_t>(key) >> (place.shift + place.bits) != place.prefix) return;
    atomicAdd(&bins[key >> place.shift & ((1u << place.bits) - 1)], static_cast<unsigned long long>(mass));
  }

  /** The digit, from the largest down, at which the mass reaches `wanted`. */
  __device__ __forceinline__ Digit find(KeyDigit place, uint64_t wanted) {
    __syncthreads();
    const int top = BINS - 1 - threadIdx.x * BINS_PER_THREAD;
    uint64_t mine = 0, total;
    for (int i = 0; i < BINS_PER_THREAD; i++) mine += bins[top - i];
    uint64_t above = sumBefore(mine, total);
    if (above < wanted && wanted <= above + mine) {
      int bin = top;
      while (above + bins[bin] < wanted) above += bins[bin--];
      found = Digit{place.prefix << place.bits | bin, wanted - above};
    }
    __syncthreads();
    return found;
  }
};

template <typename T>
struct Sampler {
  const T* const row;
  const int vocab;
  float max;
  float slope;

  __device__ __forceinline__ Sampler(const T* row, int vocab) : row(row), vocab(vocab) {}

  __device__ __forceinline__ float logit(int token) const { return toFloat(row[token]); }

  __device__ __forceinline__ uint64_t weightOf(float logit) const {
    // fmaxf turns NaN into 0.
    return static_cast<uint64_t>(fmaxf(expf((logit - max) * slope) * WEIGHT_OF_LARGEST, 0.0f) + 0.5f);
  }

  /** body(token) for all tokens; neighbouring threads have neighbouring tokens. */
  template <typename Body>
  __device__ __forceinline__ void forEach(Body body) const {
#pragma unroll 4
    for (int token = threadIdx.x; token < vocab; token += SAMPLE_THREADS) body(token);
  }

  /** Key of the most likely token and the complement of its index, so that the lowest index wins. */
  __device__ __forceinline__ uint64_t mostLikely() const {
    uint64_t best = 0;
    forEach([&](int token) {
      best = LargerOf{}(best, static_cast<uint64_t>(keyOf(logit(token))) << 32 | static_cast<uint32_t>(~token));
    });
    return rowReduce(best, LargerOf{});
  }

  /** The mass of all tokens inside a boundary; massOf(logit) is that of one. */
  template <typename Mass>
  __device__ __forceinline__ uint64_t massInside(Boundary boundary, Mass massOf) const {
    uint64_t sum = 0;
    forEach([&](int token) {
      const float x = logit(token);
      if (keyOf(x) > boundary.key) sum += massOf(x);
    });
    return rowReduce(sum, Sum{}) + boundary.ties * massOf(logitOf(boundary.key));
  }

  /** The boundary inside `outer` at which the mass reaches `wanted`, which is at least 1. */
  template <typename Mass>
  __device__ __forceinline__ Boundary reach(uint64_t wanted, Boundary outer, Mass massOf) const {
    __shared__ Histogram histogram;
    Digit digit{0, wanted};
    for (int known = 0; known < KEY_BITS; known += DIGIT_BITS) {
      const int bits = min(DIGIT_BITS, KEY_BITS - known);
      const KeyDigit place{digit.prefix, KEY_BITS - known - bits, bits};
      histogram.clear();
      forEach([&](int token) {
        const float x = logit(token);
        if (keyOf(x) > outer.key) histogram.add(place, keyOf(x), massOf(x));
      });
      if (threadIdx.x == 0) histogram.add(place, outer.key, outer.ties * massOf(logitOf(outer.key)));
      digit = histogram.find(place, digit.wanted);
    }
    const uint64_t each = massOf(logitOf(digit.prefix));
    return Boundary{digit.prefix, static_cast<uint32_t>((digit.wanted + each - 1) / each)};
  }

  /** The token inside the boundary at which the running sum of weights, in order of index, exceeds u · total. */
  __device__ __forceinline__ void draw(int* chosen, float u, Boundary boundary) const {
    const int stretch = (vocab + SAMPLE_THREADS - 1) / SAMPLE_THREADS;
    const int begin = min(vocab, static_cast<int>(threadIdx.x) * stretch);
    const int end = min(vocab, begin + stretch);
    uint64_t ties = 0, total;
    for (int token = begin; token < end; token++) ties += keyOf(logit(token)) == boundary.key;
    const uint64_t tiesBefore = sumBefore(ties, total);

    uint64_t tie = tiesBefore;
    auto weightInside = [&](int token) -> uint64_t {
      const float x = logit(token);
      const uint32_t key = keyOf(x);
      const bool inside = key > boundary.key || (key == boundary.key && tie++ < boundary.ties);
      return inside ? weightOf(x) : 0;
    };
    uint64_t weight = 0;
    for (int token = begin; token < end; token++) weight += weightInside(token);
    uint64_t sum = sumBefore(weight, total);

    const uint64_t drawn = static_cast<uint64_t>(static_cast<double>(u) * static_cast<double>(total));
    if (drawn < sum || drawn >= sum + weight) return;
    tie = tiesBefore;
    int token = begin;
    for (sum += weightInside(token); sum <= drawn; sum += weightInside(token)) token++;
    *chosen = token;
  }
};

template <typename T>
__device__ __forceinline__ void sample(int* tokens, const T* logits, const int* state, int site, float temperature,
                                       int topK, float topP, int columns, int vocab) {
  const int n = blockIdx.x;
  Sampler<T> sampler(logits + static_cast<int64_t>(n) * columns, vocab);
  const uint64_t best = sampler.mostLikely();
  sampler.max = logitOf(static_cast<uint32_t>(best >> 32));
  sampler.slope = fminf(1 / temperature, LARGEST);
  if (temperature == 0 || !isFinite(sampler.max)) {
    if (threadIdx.x == 0) tokens[n] = static_cast<int>(~static_cast<uint32_t>(best));
    return;
  }
  auto one = [](float) -> uint64_t { return 1; };
  auto weight = [&](float logit) { return sampler.weightOf(logit); };
  Boundary boundary{0, 0};  // no logit has the key 0
  if (topK > 0 && topK < vocab) boundary = sampler.reach(topK, boundary, one);
  if (topP < 1) {
    const uint64_t total = sampler.massInside(boundary, weight);
    const uint64_t wanted = static_cast<uint64_t>(ceil(static_cast<double>(topP) * static_cast<double>(total)));
    boundary = sampler.reach(wanted, boundary, weight);
  }
  float u[1];
  Draws(state, site).uniforms(u, n);
  sampler.draw(tokens + n, u[0], boundary);
}

}  // namespace culebra

using namespace culebra;

#define SAMPLE(T, SUFFIX)                                                                                             \
  /** tokens (rows) from logits (rows, columns); row n uses element n of site and state (4). A block a row. */        \
  extern "C" __global__ void __launch_bounds__(SAMPLE_THREADS)                                                        \
      sample_##SUFFIX(int* tokens, const T* logits, const int* state, int site, float temperature, int topK,          \
                      float topP, int columns, int vocab) {                                                           \
    sample<T>(tokens, logits, state, site, temperature, topK, topP, columns, vocab);                                  \
  }

SAMPLE(float, f32)
SAMPLE(bf16, bf16)
