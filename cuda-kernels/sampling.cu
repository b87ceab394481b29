// Draws a token from each row of logits: temperature, top-k, top-p, one uniform number; one block per row.
//
// All sums are of integers, so that neither order nor atomics matter: a token has the weight exp((logit − max) / T) ·
// 2⁴⁰. Top-k and top-p are one question: at which token, in order of likelihood and for equals of index, does a mass
// (one per token, or its weight) reach a limit? The answer is a Boundary. A histogram of mass over the distance from the
// largest logit, in steps so small that few threads meet in one bin, says in which step it lies; a first one, of the
// best token of each thread, says which tokens matter for it. The tokens of that step go into a list, and further
// histograms, over the digits of the logit's bits, find the token. For the draw each thread has a stretch of consecutive
// tokens; a scan over the stretches' weights finds the one in which the running sum passes the drawn share of the total.
// Packs of tokens that are all too unlikely are skipped after one comparison.
//
// Bytes: 2·V for a row of V logits in bf16; the three passes over it after the first (six with top-p) come from the L1
// cache.
#include "philox.cuh"

namespace culebra {

constexpr int SAMPLE_THREADS = 1024;
constexpr int DIGIT_BITS = 11;
constexpr int BINS = 1 << DIGIT_BITS;
constexpr int BINS_PER_THREAD = BINS / SAMPLE_THREADS;
constexpr int KEY_BITS = 32;

/** The histogram of distances: steps of 1/64 up to 32, then one bin for all that are further away. */
constexpr float STEPS_OF_ONE = 64;
constexpr int FAR = BINS - 1;
constexpr float FAR_DISTANCE = FAR / STEPS_OF_ONE;

/** The most tokens of a step that are put into a list. */
constexpr int LISTED = 2048;

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

/** The largest of V logits; NaN if one of them is. */
template <typename T, int V>
__device__ __forceinline__ float largestOf(const Pack<T, V>& pack) {
  if constexpr (sizeof(T) == 2 && V % 2 == 0) {
    __nv_bfloat162 pairs[V / 2];
    memcpy(pairs, pack.words, sizeof pairs);
#pragma unroll
    for (int i = 1; i < V / 2; i++) pairs[0] = __hmax2_nan(pairs[0], pairs[i]);
    return toFloat(__hmax_nan(__low2bfloat16(pairs[0]), __high2bfloat16(pairs[0])));
  } else {
    float largest = pack[0];
#pragma unroll
    for (int i = 1; i < V; i++) largest = pack[i] <= largest ? largest : pack[i];
    return largest;
  }
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
  static_assert(SAMPLE_THREADS == WARP * WARP, "a lane for each warp");
  uint64_t upToWarp = ofWarp[lane];
#pragma unroll
  for (int distance = 1; distance < WARP; distance *= 2) {
    const uint64_t below = __shfl_up_sync(ALL_LANES, upToWarp, distance);
    if (lane >= distance) upToWarp += below;
  }
  total = __shfl_sync(ALL_LANES, upToWarp, WARP - 1);
  const uint64_t before = __shfl_sync(ALL_LANES, upToWarp, max(warp - 1, 0)) * (warp > 0);
  return before + upTo - x;
}

/** The bits of a key from `shift` on; only keys with this prefix above them count. */
struct KeyDigit {
  uint32_t prefix;
  int shift;
  int bits;

  __device__ __forceinline__ bool covers(uint32_t key) const {
    return static_cast<uint64_t>(key) >> (shift + bits) == prefix;
  }

  /** Its bin: the larger the digit, the earlier. */
  __device__ __forceinline__ int bin(uint32_t key) const { return BINS - 1 - (key >> shift & ((1u << bits) - 1)); }
};

/** A bin, and the mass still wanted from it. */
struct alignas(16) Found {
  int bin;
  uint64_t wanted;
};

/** Mass by bin, in shared memory. All threads of the block must call all methods except add. */
struct Histogram {
  unsigned long long bins[BINS];
  Found found;

  __device__ __forceinline__ void clear() {
    __syncthreads();  // all have read the last result
    for (int i = threadIdx.x; i < BINS; i += SAMPLE_THREADS) bins[i] = 0;
    if (threadIdx.x == 0) found = Found{BINS, 0};
    __syncthreads();
  }

  __device__ __forceinline__ void add(int bin, uint64_t mass) {
    atomicAdd(&bins[bin], static_cast<unsigned long long>(mass));
  }

  /** The first bin with which the mass of all so far reaches `wanted`; the bin BINS if there is none. */
  __device__ __forceinline__ Found find(uint64_t wanted) {
    __syncthreads();
    const int first = threadIdx.x * BINS_PER_THREAD;
    uint64_t mine = 0, total;
    for (int i = 0; i < BINS_PER_THREAD; i++) mine += bins[first + i];
    uint64_t before = sumBefore(mine, total);
    if (before < wanted && wanted <= before + mine) {
      int bin = first;
      while (before + bins[bin] < wanted) before += bins[bin++];
      found = Found{bin, wanted - before};
    }
    __syncthreads();
    return found;
  }
};

/** What the threads of a block share. */
struct SampleScratch {
  Histogram histogram;
  uint32_t list[LISTED];  // keys
  int listed;
};

/** V: the tokens that a thread loads at a time. */
template <typename T, int V>
struct Sampler {
  const T* const row;
  const int vocab;
  SampleScratch& scratch;
  float max;
  float slope;
  uint32_t ownBest;  // key of the most likely of this thread's tokens, or 0

  __device__ __forceinline__ Sampler(const T* row, int vocab, SampleScratch& scratch)
      : row(row), vocab(vocab), scratch(scratch) {}

  __device__ __forceinline__ uint64_t weightOf(float logit) const {
    // fmaxf turns NaN into 0.
    return static_cast<uint64_t>(fmaxf(expf((logit - max) * slope) * WEIGHT_OF_LARGEST, 0.0f) + 0.5f);
  }

  /** The step of a logit below the largest; far for NaN. */
  __device__ __forceinline__ int stepOf(float logit) const {
    const float distance = max - logit;
    return distance < FAR_DISTANCE ? static_cast<int>(distance * STEPS_OF_ONE) : FAR;
  }

  /** The least logit inside a boundary. */
  static __device__ __forceinline__ float least(Boundary boundary) {
    return boundary.key == 0 ? -__builtin_huge_valf() : logitOf(boundary.key);
  }

  /** A bound below all logits of a step and of those nearer to the largest. */
  __device__ __forceinline__ float leastOf(int step) const { return max - (step + 2) / STEPS_OF_ONE - fabsf(max) * 0x1p-20f; }

  /**
   * body(token, logit) for the tokens from `begin` on, at most V and before `end`; `begin` is a multiple of V. May leave
   * out packs whose logits are all less than `least`.
   */
  template <typename Body>
  __device__ __forceinline__ void forEach(int begin, int end, float least, Body body) const {
    if (begin + V <= end) {
      const Pack<T, V> pack = load<V>(row + begin);
      if (largestOf(pack) < least) return;
      float x[V];
      unpack(x, pack);
#pragma unroll
      for (int i = 0; i < V; i++) body(begin + i, x[i]);
    } else {
      for (int token = begin; token < end; token++) body(token, toFloat(row[token]));
    }
  }

  /** The same for all tokens; neighbouring threads have neighbouring packs. */
  template <typename Body>
  __device__ __forceinline__ void forEach(float least, Body body) const {
#pragma unroll 1
    for (int begin = threadIdx.x * V; begin < vocab; begin += SAMPLE_THREADS * V) forEach(begin, vocab, least, body);
  }

  /** Key of the most likely token and the complement of its index, so that the lowest index wins. */
  __device__ __forceinline__ uint64_t mostLikely() {
    uint32_t key = 0, index = 0;
    for (int begin = threadIdx.x * V; begin < vocab; begin += SAMPLE_THREADS * V) {
      forEach(begin, vocab, key == 0 ? -LARGEST : logitOf(key), [&](int token, float x) {
        if (keyOf(x) > key) {
          key = keyOf(x);
          index = token;
        }
      });
    }
    ownBest = key;
    return rowReduce(static_cast<uint64_t>(key) << 32 | static_cast<uint32_t>(~index), LargerOf{});
  }

  /** The weight of all tokens inside a boundary. */
  __device__ __forceinline__ uint64_t weightInside(Boundary boundary) const {
    uint64_t sum = 0;
    forEach(least(boundary), [&](int, float x) {
      if (keyOf(x) > boundary.key) sum += weightOf(x);
    });
    return rowReduce(sum, Sum{}) + boundary.ties * weightOf(logitOf(boundary.key));
  }

  /** The boundary inside `outer` at which the number of tokens, or their weight, reaches `wanted`, which is at least 1. */
  __device__ __forceinline__ Boundary reach(uint64_t wanted, bool byWeight, Boundary outer) const {
    auto massOf = [&](float x) -> uint64_t { return byWeight ? weightOf(x) : 1; };
    Histogram& histogram = scratch.histogram;
    const bool hasTies = threadIdx.x == 0 && outer.ties > 0;
    const float tie = logitOf(outer.key);
    const uint64_t massOfTies = outer.ties * massOf(tie);

    // The best tokens of the threads reach the limit no sooner than all tokens, so those further away do not matter.
    histogram.clear();
    const float best = logitOf(ownBest);
    if (ownBest > outer.key && stepOf(best) != FAR) histogram.add(stepOf(best), massOf(best));
    const int furthest = min(histogram.find(wanted).bin, FAR - 1);

    histogram.clear();
    if (threadIdx.x == 0) scratch.listed = 0;
    forEach(leastOf(furthest), [&](int, float x) {
      if (keyOf(x) > outer.key && stepOf(x) <= furthest) histogram.add(stepOf(x), massOf(x));
    });
    if (hasTies && stepOf(tie) != FAR) histogram.add(stepOf(tie), massOfTies);
    Found at = histogram.find(wanted);
    if (at.bin == BINS) {  // The near ones do not suffice: no token is put into the list, and all are searched.
      at.wanted = wanted;
      if (threadIdx.x == 0) scratch.listed = LISTED + 1;
    } else {
      forEach(leastOf(at.bin), [&](int, float x) {
        if (keyOf(x) <= outer.key || stepOf(x) != at.bin) return;
        const int slot = atomicAdd(&scratch.listed, 1);
        if (slot < LISTED) scratch.list[slot] = keyOf(x);
      });
    }
    __syncthreads();
    const int count = scratch.listed;
    auto forEachCandidate = [&](auto body) {
      if (count <= LISTED) {
        for (int i = threadIdx.x; i < count; i += SAMPLE_THREADS) body(scratch.list[i], massOf(logitOf(scratch.list[i])));
      } else {
        forEach(least(outer), [&](int, float x) {
          if (keyOf(x) > outer.key && (at.bin == BINS || stepOf(x) == at.bin)) body(keyOf(x), massOf(x));
        });
      }
      if (hasTies && (at.bin == BINS || stepOf(tie) == at.bin)) body(outer.key, massOfTies);
    };

    uint32_t key = 0;
    for (int known = 0; known < KEY_BITS; known += DIGIT_BITS) {
      const int bits = min(DIGIT_BITS, KEY_BITS - known);
      const KeyDigit digit{key, KEY_BITS - known - bits, bits};
      histogram.clear();
      forEachCandidate([&](uint32_t candidate, uint64_t mass) {
        if (digit.covers(candidate)) histogram.add(digit.bin(candidate), mass);
      });
      const Found next = histogram.find(at.wanted);
      key = key << bits | (BINS - 1 - next.bin);
      at.wanted = next.wanted;
    }
    const uint64_t each = massOf(logitOf(key));
    return Boundary{key, static_cast<uint32_t>((at.wanted + each - 1) / each)};
  }

  /** The token inside the boundary at which the running sum of weights, in order of index, exceeds u · total. */
  __device__ __forceinline__ void draw(int* chosen, float u, Boundary boundary) const {
    const int stretch = (vocab + SAMPLE_THREADS * V - 1) / (SAMPLE_THREADS * V) * V;
    const int begin = min(vocab, static_cast<int>(threadIdx.x) * stretch);
    const int end = min(vocab, begin + stretch);
    uint64_t ties = 0, weight = 0, total;
    for (int at = begin; at < end; at += V) {
      forEach(at, end, least(boundary), [&](int, float x) {
        const uint32_t key = keyOf(x);
        if (key > boundary.key) weight += weightOf(x);
        ties += key == boundary.key;
      });
    }
    // The first ties of all are inside.
    uint64_t tie = sumBefore(ties, total);
    const uint64_t tiesInside = tie >= boundary.ties ? 0 : min(ties, static_cast<uint64_t>(boundary.ties) - tie);
    if (tiesInside > 0) weight += tiesInside * weightOf(logitOf(boundary.key));
    uint64_t sum = sumBefore(weight, total);

    const uint64_t drawn = static_cast<uint64_t>(static_cast<double>(u) * static_cast<double>(total));
    if (drawn < sum || drawn >= sum + weight) return;
    for (int token = begin; token < end; token++) {
      const float x = toFloat(row[token]);
      const uint32_t key = keyOf(x);
      if (key > boundary.key || (key == boundary.key && tie++ < boundary.ties)) sum += weightOf(x);
      if (sum > drawn) {
        *chosen = token;
        return;
      }
    }
  }
};

template <typename T, int V>
__device__ __forceinline__ void sample(SampleScratch& scratch, int* tokens, const T* logits, const int* state, int site,
                                       float temperature, int topK, float topP, int columns, int vocab) {
  const int n = blockIdx.x;
  Sampler<T, V> sampler(logits + static_cast<int64_t>(n) * columns, vocab, scratch);
  const uint64_t best = sampler.mostLikely();
  sampler.max = logitOf(static_cast<uint32_t>(best >> 32));
  sampler.slope = fminf(1 / temperature, LARGEST);
  if (temperature == 0 || !isFinite(sampler.max)) {
    if (threadIdx.x == 0) tokens[n] = static_cast<int>(~static_cast<uint32_t>(best));
    return;
  }
  Boundary boundary{0, 0};  // no logit has the key 0
  const bool byRank = topK > 0 && topK < vocab, byWeight = topP < 1;
#pragma unroll 1  // one copy of the code serves both
  for (int limit = byRank ? 0 : 1; limit < (byWeight ? 2 : 1); limit++) {
    uint64_t wanted = topK;
    if (limit == 1) {
      const double total = static_cast<double>(sampler.weightInside(boundary));
      wanted = static_cast<uint64_t>(ceil(static_cast<double>(topP) * total));
    }
    boundary = sampler.reach(wanted, limit == 1, boundary);
  }
  float u[1];
  Draws(state, site).uniforms(u, n);
  sampler.draw(tokens + n, u[0], boundary);
}

}  // namespace culebra

using namespace culebra;

#define SAMPLE(T, SUFFIX)                                                                                             \
  /** tokens (rows) from logits (rows, columns); row n uses element n of site and state (4). A block a row. */        \
  extern "C" __global__ void __launch_bounds__(SAMPLE_THREADS, 1)                                                      \
      sample_##SUFFIX(int* tokens, const T* logits, const int* state, int site, float temperature, int topK,          \
                      float topP, int columns, int vocab) {                                                           \
    __shared__ SampleScratch scratch;                                                                                 \
    if (columns % PACK<T> == 0 && aligned(logits)) {                                                                  \
      sample<T, PACK<T>>(scratch, tokens, logits, state, site, temperature, topK, topP, columns, vocab);              \
    } else {                                                                                                          \
      sample<T, 1>(scratch, tokens, logits, state, site, temperature, topK, topP, columns, vocab);                    \
    }                                                                                                                 \
  }

SAMPLE(float, f32)
SAMPLE(bf16, bf16)

/**
 * history[draw % size] = token = drawn; position and draw, which is state[2], are increased by 1. One thread.
 */
extern "C" __global__ void advance_i32(int* history, int* token, int* position, int* state, const int* drawn, int size) {
  const unsigned draw = state[2];
  history[draw % static_cast<unsigned>(size)] = *drawn;
  *token = *drawn;
  *position += 1;
  state[2] = draw + 1;
}
