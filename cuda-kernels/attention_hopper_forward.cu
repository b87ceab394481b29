// Attention forward on Hopper: like attention_mma.cu, for heads of 64 and 128 columns without dropout, with warpgroup products
// (wgmma) whose operands are in shared memory, and dedicated copy warps (cf. Shah et al., "FlashAttention-3", 2024). Bytes and
// FLOPs as in attention.cu.
// target compute_90a
//
// Work. An item is GROUPS · 64 queries of one head. Blocks are persistent, one per multiprocessor, and take items from a counter. A
// block has RINGS independent rings: each has one producer warp, GROUPS consumer warpgroups of 64 queries, and SLOTS slots in
// shared memory. The tiles (KEYS rows of K and of V) of all items of a ring are one endless stream, in an item from the diagonal
// down. Slot j has K of tile j and V of tile j − 1: so a consumer's iteration, even between two items, takes one slot, issues S = Q
// Kᵀ of tile j and O += P V of tile j − 1 together, and computes the next P while the tensor cores do the latter.
//
// Softmax without a search for maxima. An item's first tile, which has the diagonal, sets a row's maximum m. For later tiles P =
// 2^(s − m) is correct for any m, unless it overflows or everything underflows; it is too large only if a score exceeds those of
// the first tile by about 40 powers of 2. The sum of the powers, which is needed anyway, shows that. Only then a warp recomputes
// its scores (mma.sync from the tiles in shared memory), finds the maximum and shrinks its sums. So the result is exact for all
// scores, and a tile needs no maxima, no shuffles and no rescaling.
//
// Registers. Blocks of 5 warpgroups are launched with 96 registers per thread (4 with 128): producers keep 32, consumers get 112
// (160).
//
// Good compiler output depends on details: see settle() in hopper.cuh; a warpgroup's number must come from a shuffle, otherwise its
// products run one by one; all shared addresses are sums of one base and a small number.
#include "hopper.cuh"

namespace culebra {

constexpr float LOG2_E = 1.4426950408889634f;
constexpr float LN_2 = 0.6931471805599453f;

/** Partial sums of powers above this make a warp search for the maximum again. */
constexpr float LARGE_SUM = 0x1p40f;

extern __shared__ __align__(1024) unsigned char attentionHopperForwardShared[];

/** The number of rows of a copy, as a type. */
template <int N>
struct Count { static constexpr int VALUE = N; };

/**
 * Transposes a 4 × 4 matrix over the four lanes of a quad: lane t gives column t, r[j] = M[j][t], and gets row t. Columns of an
 * accumulator become 16 bytes of a row.
 */
__device__ __forceinline__ void transposeQuad(uint32_t (&r)[4]) {
  const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
  const uint32_t x = __shfl_xor_sync(ALL_LANES, odd ? r[0] : r[1], 1);
  const uint32_t y = __shfl_xor_sync(ALL_LANES, odd ? r[2] : r[3], 1);
  const uint32_t a0 = odd ? x : r[0], a1 = odd ? r[1] : x;  // row odd: columns of this pair of lanes
  const uint32_t b0 = odd ? y : r[2], b1 = odd ? r[3] : y;  // row 2 + odd
  const uint32_t u = __shfl_xor_sync(ALL_LANES, high ? a0 : b0, 2);
  const uint32_t v = __shfl_xor_sync(ALL_LANES, high ? a1 : b1, 2);
  r[0] = high ? u : a0;
  r[1] = high ? v : a1;
  r[2] = high ? b0 : u;
  r[3] = high ? b1 : v;
}

/** The entry's parameters. */
struct Arguments {
  bf16* out;
  float* logSumExp;
  const bf16* qkv;
  unsigned* counters;
  int batch, time, heads, headsOfSet;
};

/**
 * The shape of a block. SLOTS is a power of two. REGISTERS of a consumer thread: 232 for 2 consumer warpgroups, 160 for 3, 112 for
 * 4 (see moreRegisters). TURNS: the warpgroups of a ring take turns issuing products, so that one computes powers while the others'
 * products run.
 *
 * Shared memory of a ring: a header of barriers, the slots, two buffers of Q. A tile is panels of 64 columns, swizzled rows of 128
 * bytes.
 */
template <int D_, int KEYS_, int GROUPS_, int RINGS_, int SLOTS_, int REGISTERS_, bool TURNS_>
struct Shape {
  static constexpr int D = D_, KEYS = KEYS_, GROUPS = GROUPS_, RINGS = RINGS_, SLOTS = SLOTS_, REGISTERS = REGISTERS_;
  static constexpr bool TURNS = TURNS_;
  static constexpr int CONSUMERS = RINGS * GROUPS * WARPGROUP;
  static constexpr int THREADS = CONSUMERS + WARPGROUP;
  static constexpr int ROWS = GROUPS * 64;
  static constexpr int PANEL_BYTES = KEYS * 128;
  static constexpr int TILE_BYTES = PANEL_BYTES * (D / 64);
  static constexpr int SLOT_BYTES = 2 * TILE_BYTES;
  static constexpr int GROUP_Q_BYTES = 64 * D * 2;
  static constexpr int Q_BYTES = GROUPS * GROUP_Q_BYTES;
  static constexpr int HEADER_BYTES = 1024;
  static constexpr int SLOTS_AT = HEADER_BYTES;
  static constexpr int Q_AT = SLOTS_AT + SLOTS * SLOT_BYTES;
  static constexpr int RING_BYTES = Q_AT + 2 * Q_BYTES;
  static constexpr int PRODUCER_REGISTERS = 32;
  static constexpr float SCALE = D == 64 ? LOG2_E / 8 : LOG2_E * 0.08838834764831845f;  // log2(e) / √D
  static_assert((SLOTS & (SLOTS - 1)) == 0, "a power of two");
  static_assert(SLOTS <= 32 && (D == 64 || D == 128));
};

// A ring's header: barriers of 8 bytes, FULL and EMPTY of each slot, QUERIES_FULL and QUERIES_EMPTY of each buffer of Q, which also
// guard the item's number next to it.
constexpr int FULL = 0, EMPTY = 256, QUERIES_FULL = 512, QUERIES_EMPTY = 528, ITEM = 544;

/**
 * The queries of an item, counted from the end of the rows, so that the incomplete item is a short one. The items of headsOfSet
 * heads form a set, longest first, so that a set's keys and values stay in the L2 cache.
 */
template <class S, bool CAUSAL>
struct Item {
  int batch, head, firstRow, tiles;  // firstRow may be negative

  __device__ __forceinline__ Item(int item, const Arguments& a) {
    const int padded = paddedTime(a), blocks = blocksOfHead(a), set = item / (a.headsOfSet * blocks);
    const int first = set * a.headsOfSet, size = min(a.headsOfSet, a.batch * a.heads - first), rest = item - first * blocks;
    const int block = rest / size, either = first + rest - block * size;
    firstRow = padded - (block + 1) * S::ROWS;
    batch = either / a.heads;
    head = either - batch * a.heads;
    tiles = ((CAUSAL ? min(a.time, firstRow + S::ROWS) : a.time) + S::KEYS - 1) / S::KEYS;
  }

  __device__ __forceinline__ static int paddedTime(const Arguments& a) { return (a.time + 63) & ~63; }
  __device__ __forceinline__ static int blocksOfHead(const Arguments& a) { return (paddedTime(a) + S::ROWS - 1) / S::ROWS; }
  __device__ __forceinline__ static int count(const Arguments& a) { return a.batch * a.heads * blocksOfHead(a); }
};

// ---- producer warp --------------------------------------------------------------------------------------------------

/** Fills the slots and the buffers of Q of a ring; -1 as an item's number ends the consumers. */
template <class S, bool CAUSAL>
__device__ __forceinline__ void produce(const Arguments& a, int ring, saddr base) {
  const int lane = threadIdx.x % WARP, stride = 3 * a.heads * S::D, items = Item<S, CAUSAL>::count(a);
  int position = 0, queries = 0;
  // a lane copies 16 bytes: row lane / 8 of four, chunk lane % 8, swizzled by the row's number modulo 8
  const int laneRow = lane >> 3, chunk = lane & 7;
  const uint32_t even = laneRow * 128 + ((chunk ^ laneRow) << 4), odd = (laneRow + 4) * 128 + ((chunk ^ (laneRow + 4)) << 4);

  // rows from `row` on, panel by panel; those before the first and after the last become 0
  auto copy = [&](saddr to, const bf16* source, int row, auto rows) {
    constexpr int ROWS = decltype(rows)::VALUE;
    row += laneRow;
    const bf16* from = source + static_cast<int64_t>(row) * stride + chunk * 8;
#pragma unroll 4
    for (int r = 0; r < ROWS; r += 8) {
      const int first = static_cast<unsigned>(row) < a.time ? 16 : 0, second = static_cast<unsigned>(row + 4) < a.time ? 16 : 0;
#pragma unroll
      for (int panel = 0; panel < S::D / 64; panel++) {
        copyAsyncLine(to + panel * ROWS * 128 + even, from + panel * 64, first);
        copyAsyncLine(to + panel * ROWS * 128 + odd, from + 4 * stride + panel * 64, second);
      }
      row += 8, from += 8 * stride, to += 1024;
    }
  };

  int item = blockIdx.x * S::RINGS + ring;
  const bf16* lastValues = nullptr;  // of the tile before
  while (true) {
    const bool end = item >= items;
    int following = 0;
    if (!end && lane == 0) following = atomicAdd(&a.counters[0], 1u) + gridDim.x * S::RINGS;
    const int buffer = queries & 1;
    waitFor(base + QUERIES_EMPTY + buffer * 8, (queries / 2 & 1) ^ 1);
    if (lane == 0) {
      storeShared(base + ITEM + buffer * 4, end ? -1 : item);
      arrive(base + QUERIES_FULL + buffer * 8);
    }
    const Item<S, CAUSAL> it(end ? 0 : item, a);
    const bf16* head = a.qkv + static_cast<int64_t>(it.batch) * a.time * stride + it.head * S::D;
    if (!end) {
#pragma unroll 1
      for (int g = 0; g < S::GROUPS; g++) {
        copy(base + S::Q_AT + buffer * S::Q_BYTES + g * S::GROUP_Q_BYTES, head, it.firstRow + g * 64, Count<64>{});
      }
    }
    arriveAfterCopies(base + QUERIES_FULL + buffer * 8);
    queries++;
    const bf16 *keys = head + a.heads * S::D, *values = keys + a.heads * S::D;
    int n = end ? 0 : it.tiles - 1, before = 0;
#pragma unroll 1
    do {
      const int slot = position & (S::SLOTS - 1);
      const saddr to = base + S::SLOTS_AT + slot * S::SLOT_BYTES;
      waitFor(base + EMPTY + slot * 8, (position / S::SLOTS & 1) ^ 1);
      if (!end) copy(to, keys, n * S::KEYS, Count<S::KEYS>{});
      if (lastValues) copy(to + S::TILE_BYTES, lastValues, before * S::KEYS, Count<S::KEYS>{});
      arriveAfterCopies(base + FULL + slot * 8);
      position++;
      lastValues = values;
      before = n;
    } while (--n >= 0);
    if (end) break;
    item = __shfl_sync(ALL_LANES, following, 0);
  }
  if (lane == 0) {  // the last producer clears the counters for the next launch
    __threadfence();
    if (atomicAdd(&a.counters[1], 1u) == gridDim.x * S::RINGS - 1) {
      __threadfence();
      atomicExch(&a.counters[0], 0u);
      atomicExch(&a.counters[1], 0u);
    }
  }
}

// ---- consumer warpgroups --------------------------------------------------------------------------------------------

template <class S, bool CAUSAL>
struct Consumer {
  /** Scores and sums of a thread; steps of 16 in the products. */
  static constexpr int SCORES = S::KEYS / 2, SUMS = S::D / 2, STEPS = S::D / 16, KEY_STEPS = S::KEYS / 16;

  const Arguments& a;
  saddr base;                               // of the ring
  int group, turn, position, queries;       // position: tiles so far; queries: items so far
  uint32_t w[KEY_STEPS][4];                 // probabilities of the last tile, as A
  float o[SUMS], maximum[2], sum[2];        // of rows g and g + 8; maximum: as an exponent of 2

  __device__ __forceinline__ Consumer(const Arguments& a, saddr base, int ring, int group)
      : a(a), base(base), group(group), turn(8 + ring * S::GROUPS), position(0), queries(0) {}

  __device__ __forceinline__ static int lane() { return threadIdx.x & 31; }
  __device__ __forceinline__ static int warp() { return threadIdx.x >> 5 & 3; }

  __device__ __forceinline__ int slot() const { return position & (S::SLOTS - 1); }
  __device__ __forceinline__ void acquire() {
    waitFor(base + FULL + slot() * 8, position / S::SLOTS & 1);
    fenceAsyncProxy();
  }
  __device__ __forceinline__ void release(int slot) {
    if (lane() == 0) arrive(base + EMPTY + slot * 8);
  }
  /** Skips a tile that the mask hides from this group. */
  __device__ __forceinline__ void skip() {
    waitFor(base + FULL + slot() * 8, position / S::SLOTS & 1);
    __syncwarp();
    release(slot());
    position++;
    turnBegin();
    turnEnd();
  }

  /** Waits until the previous group has issued its products. */
  __device__ __forceinline__ void turnBegin() {
    if constexpr (S::TURNS) meet<2 * WARPGROUP>(turn + group);
  }
  __device__ __forceinline__ void turnEnd() {
    if constexpr (S::TURNS) meetWithoutWaiting<2 * WARPGROUP>(turn + (group + 1 == S::GROUPS ? 0 : group + 1));
  }

  /** Issues s = Q Kᵀ. */
  __device__ __forceinline__ void issueScores(float (&s)[SCORES], int slot) {
    const uint32_t q = operand(base + S::Q_AT) + group * (S::GROUP_Q_BYTES / 16) + (queries & 1) * (S::Q_BYTES / 16);
    const uint32_t k = operand(base + S::SLOTS_AT) + slot * (S::SLOT_BYTES / 16);
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
      multiply<Major::K>(s, descriptor(q + i / 4 * 512 + i % 4 * 2), descriptor(k + i / 4 * (S::PANEL_BYTES / 16) + i % 4 * 2), i > 0);
    }
  }
  /** Issues o += P V. */
  __device__ __forceinline__ void issueWeighted(int slot) {
    const uint32_t v = operand(base + S::SLOTS_AT + S::TILE_BYTES, S::PANEL_BYTES) + slot * (S::SLOT_BYTES / 16);
#pragma unroll
    for (int i = 0; i < KEY_STEPS; i++) multiply<Major::MN>(o, w[i], descriptor(v + i * 128), 1);
  }

  __device__ __forceinline__ void mask(float (&s)[SCORES], int firstKey, int firstRow) {
    const int row = firstRow + warp() * 16 + lane() / 4, column = firstKey + lane() % 4 * 2;
#pragma unroll
    for (int j = 0; j < SCORES / 4; j++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int key = column + j * 8 + (i & 1);
        if (CAUSAL ? key > row + (i >> 1) * 8 : key >= a.time) s[j * 4 + i] = -__int_as_float(0x7f800000);
      }
    }
  }

  /** Replaces s with the powers; part = their sums over this lane's columns. */
  __device__ __forceinline__ void powers(float (&s)[SCORES], float (&part)[2]) {
    float even[2] = {0, 0}, odd[2] = {0, 0};
#pragma unroll
    for (int j = 0; j < SCORES / 4; j++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        s[j * 4 + i] = powerOf2(fmaf(s[j * 4 + i], S::SCALE, -maximum[i >> 1]));
        if (i & 1) odd[i >> 1] += s[j * 4 + i];
        else even[i >> 1] += s[j * 4 + i];
      }
    }
    part[0] = even[0] + odd[0], part[1] = even[1] + odd[1];
  }

  /** The largest score of each row, as an exponent of 2. */
  __device__ __forceinline__ void largest(const float (&s)[SCORES], float (&top)[2]) {
    float even[2] = {s[0], s[2]}, odd[2] = {s[1], s[3]};
#pragma unroll
    for (int j = 1; j < SCORES / 4; j++) {
      even[0] = fmaxf(even[0], s[j * 4]);
      even[1] = fmaxf(even[1], s[j * 4 + 2]);
      odd[0] = fmaxf(odd[0], s[j * 4 + 1]);
      odd[1] = fmaxf(odd[1], s[j * 4 + 3]);
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
      top[i] = fmaxf(even[i], odd[i]);
      top[i] = fmaxf(top[i], __shfl_xor_sync(ALL_LANES, top[i], 1));
      top[i] = fmaxf(top[i], __shfl_xor_sync(ALL_LANES, top[i], 2)) * S::SCALE;
    }
  }

  /** Softmax of an item's first tile; the group's last key is on the diagonal, or the last of all. */
  __device__ __forceinline__ void begin(float (&s)[SCORES], int tile, int firstRow) {
    mask(s, tile * S::KEYS, firstRow);
    largest(s, maximum);
    powers(s, sum);
    toWeights(s);
  }

  /** For a warp whose powers are too large: recomputes its scores with a larger maximum; shrink = the factor for the sums. */
  __device__ __forceinline__ void raise(float (&s)[SCORES], float (&part)[2], float (&shrink)[2]) {
    float top[2];
    scoresAgain(s);
    largest(s, top);
#pragma unroll
    for (int i = 0; i < 2; i++) {
      top[i] = fmaxf(top[i], maximum[i]);
      shrink[i] = powerOf2(maximum[i] - top[i]);
      maximum[i] = top[i];
      sum[i] *= shrink[i];
    }
    powers(s, part);
    __syncwarp();  // all lanes have read the slot that lane 0 will release
  }

  /** The warp's scores of the current slot by mma.sync, in wgmma's layout. */
  __device__ __forceinline__ void scoresAgain(float (&s)[SCORES]) {
    const saddr q = base + S::Q_AT + (queries & 1) * S::Q_BYTES + group * S::GROUP_Q_BYTES;
    const saddr k = base + S::SLOTS_AT + slot() * S::SLOT_BYTES;
#pragma unroll
    for (int i = 0; i < SCORES; i++) s[i] = 0;
#pragma unroll 1
    for (int step = 0; step < S::D / 16; step++) {
      uint32_t aQ[4];
      const int l = keep(lane()), row = l % 16, key = l % 8 + l / 16 * 8, chunk = step % 4 * 2;
      const saddr keys = k + step / 4 * S::PANEL_BYTES + key * 128 + (((chunk + l / 8 % 2) ^ (key & 7)) << 4);
      loadMatrices(aQ, q + step / 4 * 8192 + (warp() * 16 + row) * 128 + (((chunk + l / 16) ^ (row & 7)) << 4));
#pragma unroll
      for (int j = 0; j < SCORES / 4; j += 2) {  // 16 keys
        uint32_t b[4];
        loadMatrices(b, keys + j * 1024);
        mma(reinterpret_cast<float(&)[4]>(s[j * 4]), aQ, b[0], b[1]);
        mma(reinterpret_cast<float(&)[4]>(s[j * 4 + 4]), aQ, b[2], b[3]);
      }
    }
  }

  __device__ __forceinline__ void toWeights(const float (&s)[SCORES]) {
#pragma unroll
    for (int k = 0; k < KEY_STEPS; k++) {
#pragma unroll
      for (int i = 0; i < 4; i++) w[k][i] = bf16Pair(s[k * 8 + 2 * i], s[k * 8 + 2 * i + 1]);
    }
  }

  /** Writes the results of the item through a buffer of Q, 16 bytes per lane, and clears the sums. */
  __device__ __forceinline__ void store(int buffer) {
    const Item<S, CAUSAL> it(__shfl_sync(ALL_LANES, loadShared(base + ITEM + buffer * 4), 0), a);
    const int row = it.firstRow + group * 64 + warp() * 16 + lane() / 4;
    float inverse[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float z = sum[half];
      z += __shfl_xor_sync(ALL_LANES, z, 1);
      z += __shfl_xor_sync(ALL_LANES, z, 2);
      inverse[half] = reciprocalFast(z);
      if (lane() % 4 == 0 && row + half * 8 < a.time) {
        const int64_t either = static_cast<int64_t>(it.batch) * a.heads + it.head;
        a.logSumExp[either * a.time + row + half * 8] = (maximum[half] + log2Fast(z)) * LN_2;
      }
    }
    const int64_t width = a.heads * S::D;
    bf16* to = a.out + (static_cast<int64_t>(it.batch) * a.time + row) * width + it.head * S::D + (lane() % 4) * 8;
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
      for (int i = 0; i < S::D / 32; i++) {
        uint32_t r[4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const int first = (4 * i + j) * 4 + half * 2;
          r[j] = bf16Pair(o[first] * inverse[half], o[first + 1] * inverse[half]);
        }
        transposeQuad(r);
        if (row + half * 8 < a.time) *reinterpret_cast<uint4*>(to + half * 8 * width + i * 32) = make_uint4(r[0], r[1], r[2], r[3]);
      }
    }
    clear();
  }
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < SUMS; i++) o[i] = 0;
  }

  /** The number of the item whose Q comes next; negative: no more. */
  __device__ __forceinline__ int peek() {
    waitFor(base + QUERIES_FULL + (queries & 1) * 8, queries / 2 & 1);
    return __shfl_sync(ALL_LANES, loadShared(base + ITEM + (queries & 1) * 4), 0);
  }
  /** This group is done with the queries and the number of an item. */
  __device__ __forceinline__ void leaveQueries(int buffer) {
    __syncwarp();
    if (lane() == 0) arrive(base + QUERIES_EMPTY + buffer * 8);
  }
  /** The last tile for this group. */
  __device__ __forceinline__ static int lastTile(int firstRow, int tiles) {
    return CAUSAL ? min((firstRow + 63) / S::KEYS, tiles - 1) : tiles - 1;
  }

  __device__ __forceinline__ void run() {
    if (S::TURNS && group == S::GROUPS - 1) meetWithoutWaiting<2 * WARPGROUP>(turn);
    clear();
    while (peek() >= 0) {
      int tile;
      {
        const Item<S, CAUSAL> it(peek(), a);
        const int firstRow = it.firstRow + group * 64;
        if (firstRow < 0) {  // no queries for this group, but its slots must be released
          for (int n = 0; n < it.tiles; n++) skip();
          leaveQueries(queries & 1);
          queries++;
          continue;
        }
        fenceAsyncProxy();  // for Q
        tile = lastTile(firstRow, it.tiles);
        for (int n = it.tiles - 1; n > tile; n--) skip();
        float s[SCORES];
        acquire();
        turnBegin();
        fenceProducts();
        issueScores(s, slot());
        commitProducts();
        turnEnd();
        waitForProducts<0>();
        pin(s);
        release(slot());
        position++;
        begin(s, tile, firstRow);
      }
      while (true) {
#pragma unroll 1
        for (int n = tile; n > 0; n--) {  // S of tile n − 1, P V of tile n
          float s[SCORES], part[2];
          acquire();
          turnBegin();
          fenceProducts();
          issueScores(s, slot());
          commitProducts();
          issueWeighted(slot());
          commitProducts();
          turnEnd();
          waitForProducts<1>();
          pin(s);
          powers(s, part);
          float shrink[2];
          const bool large = __any_sync(ALL_LANES, !(fmaxf(part[0], part[1]) < LARGE_SUM));
          if (large) raise(s, part, shrink);
          sum[0] += part[0], sum[1] += part[1];
          settle(part[0] + part[1], base);
          waitForProducts<0>();  // by all warps of the group
          pin(o);
          pin(s);
          if (large) {
#pragma unroll
            for (int j = 0; j < SUMS; j++) o[j] *= shrink[(j >> 1) & 1];
          }
          release(slot());
          position++;
          toWeights(s);
        }
        // P V of this item's last tile, together with S of the next item's first
        queries++;
        const int next = peek();
        const Item<S, CAUSAL> it(next < 0 ? 0 : next, a);
        const int firstRow = it.firstRow + group * 64;
        acquire();
        const int valueSlot = slot();
        if (next < 0 || firstRow < 0) {
          if (next >= 0) turnBegin();
          fenceProducts();
          issueWeighted(valueSlot);
          commitProducts();
          if (next >= 0) turnEnd();
          waitForProducts<0>();
          pin(o);
          release(valueSlot);
          position++;
          store((queries & 1) ^ 1);
          leaveQueries((queries & 1) ^ 1);
          if (next >= 0) {
            for (int n = 1; n < it.tiles; n++) skip();
            leaveQueries(queries & 1);
            queries++;
          }
          break;
        }
        fenceAsyncProxy();  // for Q
        tile = lastTile(firstRow, it.tiles);
        if (tile < it.tiles - 1) {
          position++;
          turnBegin();
          turnEnd();
          for (int n = it.tiles - 2; n > tile; n--) skip();
          acquire();
        }
        float s[SCORES];
        turnBegin();
        fenceProducts();
        issueScores(s, slot());
        commitProducts();
        issueWeighted(valueSlot);
        commitProducts();
        turnEnd();
        waitForProducts<0>();
        pin(s);
        pin(o);
        release(valueSlot);
        if (tile < it.tiles - 1) release(slot());
        position++;
        store((queries & 1) ^ 1);
        leaveQueries((queries & 1) ^ 1);
        begin(s, tile, firstRow);
      }
    }
    if (S::TURNS && group == 0) turnBegin();  // takes the last turn that was passed on
  }
};

template <class S, bool CAUSAL>
__device__ __forceinline__ void attentionForward(const Arguments& a) {
  const saddr shared = (sharedAddress(attentionHopperForwardShared) + 1023) & ~static_cast<saddr>(1023);
  if (threadIdx.x < S::RINGS * WARP) {
    const saddr header = shared + (threadIdx.x >> 5) * S::RING_BYTES;
    const int i = threadIdx.x & 31;
    if (i < S::SLOTS) {
      initBarrier(header + FULL + i * 8, WARP);
      initBarrier(header + EMPTY + i * 8, S::GROUPS * 4);
    }
    if (i < 2) {
      initBarrier(header + QUERIES_FULL + i * 8, WARP + 1);  // the copies of each lane, and the item's number
      initBarrier(header + QUERIES_EMPTY + i * 8, S::GROUPS * 4);
    }
  }
  fenceBarriers();
  __syncthreads();
  const int warp = __shfl_sync(ALL_LANES, threadIdx.x >> 5, 0);
  if (warp >= S::CONSUMERS / WARP) {
    fewerRegisters<S::PRODUCER_REGISTERS>();
    const int ring = warp - S::CONSUMERS / WARP;
    if (ring < S::RINGS) produce<S, CAUSAL>(a, ring, shared + ring * S::RING_BYTES);
  } else {
    moreRegisters<S::REGISTERS>();
    const int ring = warp / (S::GROUPS * 4), group = warp / 4 - ring * S::GROUPS;
    Consumer<S, CAUSAL>(a, shared + ring * S::RING_BYTES, ring, group).run();
  }
}

// D, keys of a tile, warpgroups, rings, slots, registers, turns
using Heads64 = Shape<64, 64, 2, 2, 4, 112, false>;
using Heads128 = Shape<128, 64, 3, 1, 4, 160, true>;

}  // namespace culebra

/**
 * out (B, T, heads · D), logSumExp (B, heads, T), qkv (B, T, 3 · heads · D), all 16-byte aligned. counters: two, which are 0 before
 * and after. The items of headsOfSet heads form a set. For launches see the README; at most ⌈items / RINGS⌉ blocks.
 */
#define ATTENTION_HOPPER_FORWARD(NAME, SHAPE, CAUSAL)                                                                              \
  extern "C" __global__ void __launch_bounds__(culebra::SHAPE::THREADS, 1)                                                         \
      attention_hopper_forward_##NAME##_bf16(culebra::bf16* out, float* logSumExp, const culebra::bf16* qkv, unsigned* counters,   \
                                             int batch, int time, int heads, int headsOfSet) {                                     \
    culebra::attentionForward<culebra::SHAPE, CAUSAL>(                                                                             \
        culebra::Arguments{out, logSumExp, qkv, counters, batch, time, heads, headsOfSet});                                        \
  }

ATTENTION_HOPPER_FORWARD(d64_causal, Heads64, true)
ATTENTION_HOPPER_FORWARD(d64_full, Heads64, false)
ATTENTION_HOPPER_FORWARD(d128_causal, Heads128, true)
ATTENTION_HOPPER_FORWARD(d128_full, Heads128, false)
