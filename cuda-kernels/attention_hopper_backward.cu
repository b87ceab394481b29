// Attention backward on Hopper: like attention_mma.cu, for heads of 64 columns without dropout, in one pass of five warpgroup
// products, with dedicated copy warps. Bytes and FLOPs as in attention.cu.
// target compute_90a
//
// Work. A unit is a block of 128 keys of one head; it goes over the tiles of 128 queries that see it (' is transposed):
//   S' = K Q'            64 keys × 128 queries per warpgroup, operands in shared memory
//   P' = 2^(S' c − l)    c = log2(e) / √64, l = logSumExp · log2(e); rounded to bf16, stays in registers
//   dP' = V dO'
//   dV += P' dO          P' from registers
//   dS' = P' (dP' − δ)   as products of bf16, in registers for dK, and as [query][key] in shared memory for dQ
//   dK += dS' Q
//   dQ = dS K            64 queries per warpgroup, all 128 keys
// dK and dV (64 × 64 floats per warpgroup) stay in registers. dQ of a tile is summed over the key blocks in a fixed order, last
// block first: the first stores floats, the following ones add (the same thread adds to the same address), and key block 0 adds the
// sum to its own and writes bf16. So the result is deterministic. Two entries keep that order in two ways:
//   heads  A block processes all key blocks of a head in order; the sums (T × 64 floats) are private to it. For at least about as
//          many heads as multiprocessors, as long as the sums of all blocks stay in the L2 cache.
//   units  Blocks take units from a counter, band by band of heads, and within a band last key blocks first. A flag per head and
//          tile counts the contributions; the next contributor waits for its turn. The block it waits for took its unit earlier, so
//          there is no deadlock, and is usually ahead, so there is little waiting. For long T and few heads.
//
// Threads. Of 384, warpgroup 0 (24 registers) copies: 2 stages of Q, dO and their statistics, 2 buffers of K and V; it waits for
// its copies and issues the fence, so that consumers need none. With units, its warps 2 and 3 wait for turns and pass them on.
// Warpgroups 1 and 2 (240 registers) compute. 168 registers per thread at launch: 24 + 240 + 240 = 3 · 168.
//
// Pipeline of a warpgroup in tile i: dV(i), dQ(i − 1) | dS(i) | dK(i), S(i + 1), dP(i + 1) | P(i + 1). dQ is multiplied one tile
// late, so that the warpgroups, which need each other's dS, do not have to synchronise at each tile.
//
// Good compiler output depends on details: no branch may read sums while products are in flight; sums are cleared by the products
// (`add`); a warpgroup's number must come from a shuffle; statistics are read ahead by hand, since loads from shared memory are not
// moved over stores; threadIdx is kept (see keep) where it would be reread often; addresses of copies are incremented, which takes
// fewer registers.
// spills attention_hopper_backward_units_bf16: 76 bytes of the copying warps, a few of them once a tile; the computing ones need all 240
#include "hopper.cuh"

namespace culebra {

constexpr int D = 64;
/** Queries per tile, keys per unit. */
constexpr int TILE = 128;
/** Stages of Q and dO. */
constexpr int STAGES = 2;
constexpr int BACKWARD_THREADS = 3 * WARPGROUP;
constexpr int COPYING_REGISTERS = 24, COMPUTING_REGISTERS = 240;
constexpr int COMPUTING_WARPS = 8;
constexpr uint32_t TILE_BYTES = TILE * D * 2;
constexpr float LOG2_E = 1.4426950408889634f;

/** A unit, for the warps that do not copy it. */
struct Unit {
  int64_t out;   // element of dQkv: row 0 of the batch, first column of the head's Q
  int64_t sums;  // element of sums: the head's
  int keys;      // number of the key block; −1: no more units
  int head;
  int pad[2];
};

/** Bytes in shared memory. */
struct Layout {
  static constexpr uint32_t K = 0;                            // 2 buffers
  static constexpr uint32_t V = K + 2 * TILE_BYTES;           // 2 buffers
  static constexpr uint32_t Q = V + 2 * TILE_BYTES;           // STAGES
  static constexpr uint32_t DO = Q + STAGES * TILE_BYTES;     // STAGES
  static constexpr uint32_t DS = DO + STAGES * TILE_BYTES;    // 2 buffers of 2 × [128 queries][64 keys]
  static constexpr uint32_t LSE = DS + 4 * TILE_BYTES;        // STAGES × 128 floats
  static constexpr uint32_t DELTA = LSE + STAGES * TILE * 4;  // STAGES × 128 floats
  static constexpr uint32_t OUT = DELTA + STAGES * TILE * 4;  // 8 warps × [16 rows][64 columns]
  static constexpr uint32_t OUT_BYTES = 16 * D * 2;
  static constexpr uint32_t UNITS = OUT + COMPUTING_WARPS * OUT_BYTES;  // 2
  static constexpr uint32_t BARRIERS = UNITS + 2 * sizeof(Unit);
};

/** The entry's parameters. */
struct Arguments {
  bf16* dQkv;
  const bf16* qkv;
  const bf16* dOut;
  const float* scaledLse;
  const float* delta;
  float* sums;
  int* flags;
  int time, heads, total, causal, band;  // total: batch · heads

  __device__ __forceinline__ int tiles() const { return (time + TILE - 1) / TILE; }
};

extern __shared__ __align__(1024) unsigned char attentionHopperBackwardShared[];

__device__ __forceinline__ Unit* unitIn(int buffer) {
  return reinterpret_cast<Unit*>(attentionHopperBackwardShared + Layout::UNITS) + buffer;
}

/** Addresses of the mbarriers, and which threads arrive. */
struct Barriers {
  saddr base;

  __device__ __forceinline__ saddr at(int i) const { return base + i * 8; }
  __device__ __forceinline__ saddr full(int stage) const { return at(stage); }                   // Q, dO and statistics arrived
  __device__ __forceinline__ saddr empty(int stage) const { return at(STAGES + stage); }         // and may be overwritten
  __device__ __forceinline__ saddr ready(int stage) const { return at(2 * STAGES + stage); }     // units: our turn with dQ
  __device__ __forceinline__ saddr done(int stage) const { return at(3 * STAGES + stage); }      // dQ is contributed
  __device__ __forceinline__ saddr released(int stage) const { return at(4 * STAGES + stage); }  // and the turn passed on
  __device__ __forceinline__ saddr unitFull(int buffer) const { return at(5 * STAGES + buffer); }
  __device__ __forceinline__ saddr unitEmpty(int buffer) const { return at(5 * STAGES + 2 + buffer); }
  __device__ __forceinline__ saddr dsFull(int buffer) const { return at(5 * STAGES + 4 + buffer); }
  __device__ __forceinline__ saddr dsEmpty(int buffer) const { return at(5 * STAGES + 6 + buffer); }

  template <bool HEADS>
  __device__ __forceinline__ void init() const {
    constexpr int COPYING_WARPS = HEADS ? 4 : 2;
    for (int i = 0; i < STAGES; i++) {
      initBarrier(full(i), COPYING_WARPS), initBarrier(empty(i), COMPUTING_WARPS);
      initBarrier(ready(i), 1), initBarrier(done(i), COMPUTING_WARPS), initBarrier(released(i), 1);
    }
    for (int i = 0; i < 2; i++) {
      initBarrier(unitFull(i), COPYING_WARPS), initBarrier(unitEmpty(i), COMPUTING_WARPS + (HEADS ? 0 : 2));
      initBarrier(dsFull(i), COMPUTING_WARPS), initBarrier(dsEmpty(i), COMPUTING_WARPS);
    }
  }
};

// ---- copies ---------------------------------------------------------------------------------------------------------

/**
 * COPIERS threads copy 128 rows of 128 bytes. `to` and `from` are the thread's own first chunk; rows from `rows` on become 0 and
 * are not read.
 */
template <int COPIERS>
__device__ __forceinline__ void copyTile(saddr to, const char* from, int stride, int rows) {
  constexpr int ROWS = COPIERS / 8;  // of a pass
  const uint32_t step = stride * ROWS;
  if (rows >= TILE) {
#pragma unroll
    for (int i = 0; i < TILE / ROWS; i++) {
      copyAsync(to + i * ROWS * 128, from);
      from += step;
    }
  } else {
    rows -= static_cast<int>(threadIdx.x / 8);
#pragma unroll 1
    for (int i = 0; i < TILE / ROWS; i++) {
      copyAsync(to, from, rows > 0);
      from += step;
      to += ROWS * 128;
      rows -= ROWS;
    }
  }
}

template <bool HEADS>
__device__ __forceinline__ void copyUnits(const Arguments& a, saddr shared, const Barriers barriers) {
  using L = Layout;
  constexpr int COPIERS = HEADS ? 128 : 64;
  const int tiles = a.tiles(), thread = threadIdx.x, row = thread / 8, chunk = thread % 8;
  const int outStride = a.heads * D * 2, stride = 3 * outStride;  // bytes
  const saddr place = shared + row * 128 + ((chunk ^ (row & 7)) << 4);
  int* counter = a.flags + a.total * tiles;
  int unit = 0, count = 0, head = blockIdx.x, keys = tiles - 1, next = 0;
  if (!HEADS && thread == 0) next = atomicAdd(counter, 1);
  while (true) {
    const int buffer = unit & 1;
    waitFor(barriers.unitEmpty(buffer), (unit >> 1 & 1) ^ 1);
    if (HEADS) {
      if (thread == 0) unitIn(buffer)->keys = head < a.total ? keys : -1;
    } else {
      if (thread == 0) {
        if (next < a.total * tiles) {
          const int first = next / (a.band * tiles) * a.band, size = min(a.band, a.total - first), rest = next - first * tiles;
          unitIn(buffer)->keys = tiles - 1 - rest / size;
          unitIn(buffer)->head = first + rest % size;
        } else {
          unitIn(buffer)->keys = -1;
          unitIn(buffer)->head = 0;
        }
      }
      meet<COPIERS>(2);
      keys = unitIn(buffer)->keys;
      head = unitIn(buffer)->head;
    }
    if (HEADS ? head >= a.total : keys < 0) {
      __syncwarp();
      if (thread % WARP == 0) arrive(barriers.unitFull(buffer));
      return;
    }
    int rows = a.time - keys * TILE;
    const int64_t firstRow = static_cast<int64_t>(head / a.heads) * a.time + keys * TILE;
    if (thread == 0) {
      unitIn(buffer)->out = (firstRow - keys * TILE) * 3 * a.heads * D + head % a.heads * D;
      unitIn(buffer)->sums = static_cast<int64_t>(HEADS ? blockIdx.x : head) * tiles * (TILE * D);
    }
    const char* q = reinterpret_cast<const char*>(a.qkv) + (firstRow + row) * stride + (head % a.heads * D + chunk * 8) * 2;
    copyTile<COPIERS>(place + L::K + buffer * TILE_BYTES, q + outStride, stride, rows);
    copyTile<COPIERS>(place + L::V + buffer * TILE_BYTES, q + 2 * outStride, stride, rows);
    const char* dO = reinterpret_cast<const char*>(a.dOut) + (firstRow + row) * outStride + (head % a.heads * D + chunk * 8) * 2;
    const float* statistics =
        (thread & 32 ? a.delta : a.scaledLse) + (static_cast<int64_t>(head) * tiles + keys) * TILE + thread % WARP * 4;
    if (!a.causal) {
      q -= static_cast<int64_t>(keys) * TILE * stride, dO -= static_cast<int64_t>(keys) * TILE * outStride, statistics -= keys * TILE;
      rows = a.time;
    }
    bool first = true;
    for (; rows > 0; rows -= TILE) {
      const int stage = count % STAGES;
      if (!HEADS && thread == 0 && rows <= TILE) next = atomicAdd(counter, 1);  // late: a unit should start soon after it is taken
      waitFor(barriers.empty(stage), (count / STAGES & 1) ^ 1);
      copyTile<COPIERS>(place + L::Q + stage * TILE_BYTES, q, stride, rows);
      if (thread < 64) copyAsync(shared + (thread & 32 ? L::DELTA : L::LSE) + stage * TILE * 4 + thread % WARP * 16, statistics);
      copyTile<COPIERS>(place + L::DO + stage * TILE_BYTES, dO, outStride, rows);
      waitForAllCopies();
      fenceAsyncProxy();
      __syncwarp();
      if (thread % WARP == 0) {
        if (first) arrive(barriers.unitFull(buffer));
        arrive(barriers.full(stage));
      }
      first = false;
      count++;
      q += TILE * stride;
      dO += TILE * outStride;
      statistics += TILE;
    }
    unit++;
    if (HEADS && --keys < 0) keys = tiles - 1, head += gridDim.x;
  }
}

/** Units: one thread waits for turns (RELEASE false), another passes them on. */
template <bool RELEASE>
__device__ __forceinline__ void takeTurns(const Arguments& a, const Barriers barriers) {
  const int tiles = a.tiles();
  int unit = 0, count = 0;
  while (true) {
    const int buffer = unit & 1;
    waitFor(barriers.unitFull(buffer), unit >> 1 & 1);
    const int keys = unitIn(buffer)->keys;
    if (keys < 0) return;
    int* flags = a.flags + unitIn(buffer)->head * tiles;
    arrive(barriers.unitEmpty(buffer));
    unit++;
    for (int queries = a.causal ? keys : 0; queries < tiles; queries++) {
      const int stage = count % STAGES, phase = count / STAGES & 1;
      const int before = (a.causal ? queries : tiles - 1) - keys;  // contributions made before this one
      if (RELEASE) {
        waitFor(barriers.done(stage), phase);
        if (keys > 0) storeRelease(flags + queries, before + 1);
        arrive(barriers.released(stage));
      } else {
        waitFor(barriers.released(stage), phase ^ 1);
        if (before > 0) waitAcquire(flags + queries, before);
        arrive(barriers.ready(stage));
      }
      count++;
    }
  }
}

// ---- products and sums ----------------------------------------------------------------------------------------------

/** Writes 16 rows of a warp, 64 columns, times factor, as bf16, through the warp's own shared memory, `staging`. */
__device__ __forceinline__ void storeRows(bf16* to, int stride, const float (&d)[32], float factor, int rows, saddr shared,
                                          uint32_t staging, int lane) {
  const saddr place = shared + staging + ((lane >> 3 & 1) * 8 + (lane & 7)) * 128;
#pragma unroll
  for (int j = 0; j < 8; j += 2) {
    storeMatrices(place + (((j + (lane >> 4)) ^ (lane & 7)) << 4), bf16Pair(d[4 * j] * factor, d[4 * j + 1] * factor),
                  bf16Pair(d[4 * j + 2] * factor, d[4 * j + 3] * factor), bf16Pair(d[4 * j + 4] * factor, d[4 * j + 5] * factor),
                  bf16Pair(d[4 * j + 6] * factor, d[4 * j + 7] * factor));
  }
  __syncwarp();
  const int chunk = lane & 7, first = lane >> 3;
  to += static_cast<int64_t>(first) * stride + chunk * 8;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int row = i * 4 + first;
    const uint4 v = *reinterpret_cast<const uint4*>(attentionHopperBackwardShared + staging + row * 128 + ((chunk ^ (row & 7)) << 4));
    if (row < rows) *reinterpret_cast<uint4*>(to) = v;
    to += 4 * stride;
  }
  __syncwarp();
}

template <bool HEADS>
__device__ __forceinline__ void compute(const Arguments& a, saddr shared, const Barriers barriers) {
  using L = Layout;
  const int tiles = a.tiles();
  const int id = keep(threadIdx.x), lane = id & 31, warp = id >> 5 & 3, t = lane & 3;
  const int group = __shfl_sync(ALL_LANES, id >> 7, 0) - 1;
  const int columns = a.heads * D;
  constexpr float SCALE = 0.125f, SCALE_2 = SCALE * LOG2_E;
  const uint32_t staging = L::OUT + (group * 4 + warp) * L::OUT_BYTES;
  // where this lane stores matrices of dS: row = query, chunk of 8 keys = 2 · warp + parity of the matrix
  const saddr dsPlace = shared + L::DS + group * TILE_BYTES + ((lane >> 4) * 8 + (lane & 7)) * 128 +
                        (((2 * warp + (lane >> 3 & 1)) ^ (lane & 7)) << 4);
  const uint32_t statistics = t * 8;  // bytes: this lane's queries are 8j + 2t and the next
  const uint32_t ownRows = group * 8192;
  constexpr uint32_t NEXT = TILE_BYTES >> 4;  // tile, in a descriptor

  float dK[32], dV[32], s[64], dP[64], dQ[32];
  uint32_t p[32];
  auto beginScores = [&](int stage, int buffer) {
    const uint32_t k = operand(shared + L::K + ownRows) + buffer * NEXT, q = operand(shared + L::Q) + stage * NEXT;
    fenceProducts();
#pragma unroll
    for (int step = 0; step < 4; step++) multiply<Major::K>(s, descriptor(k + step * 2), descriptor(q + step * 2), step);
    commitProducts();
  };
  auto beginGradients = [&](int stage, int buffer) {
    const uint32_t v = operand(shared + L::V + ownRows) + buffer * NEXT, dO = operand(shared + L::DO) + stage * NEXT;
    fenceProducts();
#pragma unroll
    for (int step = 0; step < 4; step++) multiply<Major::K>(dP, descriptor(v + step * 2), descriptor(dO + step * 2), step);
    commitProducts();
  };
  auto beginQueries = [&](int dsBuffer, int buffer) {
    const uint32_t dS = operand(shared + L::DS + ownRows) + dsBuffer * 2 * NEXT, k = operand(shared + L::K) + buffer * NEXT;
    fenceProducts();
#pragma unroll
    for (int step = 0; step < 8; step++) {
      multiply<Major::MN>(dQ, descriptor(dS + step / 4 * NEXT + step % 4 * 2), descriptor(k + step * 128), step);
    }
    commitProducts();
  };
  auto statisticsAt = [&](uint32_t which, int stage, int j) {
    return *reinterpret_cast<const float2*>(attentionHopperBackwardShared + which + stage * TILE * 4 + j * 32 + statistics);
  };
  constexpr int AHEAD = 4;  // statistics are read this many steps ahead
  // P' of the scores, whose product `wait` ends
  auto probabilities = [&](int stage, int keys, int queries, auto wait) {
    float2 l[AHEAD];
#pragma unroll
    for (int j = 0; j < AHEAD; j++) l[j] = statisticsAt(L::LSE, stage, j);
    const int end = a.time - keys * TILE;  // of the keys of this block
    const bool diagonal = a.causal && queries == keys;
    wait();
    if (diagonal || end < TILE) {
      const int key = group * 64 + warp * 16 + (lane >> 2);
      const int upper = key >= end ? TILE : diagonal ? key - 2 * t : -1, lower = key + 8 >= end ? TILE : diagonal ? key + 8 - 2 * t : -1;
#pragma unroll
      for (int i = 0; i < 64; i++) {  // element i is of query 8 (i / 4) + 2t + i % 2, key or key + 8
        if ((i & 2 ? lower : upper) > (i >> 2) * 8 + (i & 1)) s[i] = -__int_as_float(0x7f800000);
      }
    }
#pragma unroll
    for (int j = 0; j < 16; j++) {
      const float2 now = l[j % AHEAD];
      if (j + AHEAD < 16) l[j % AHEAD] = statisticsAt(L::LSE, stage, j + AHEAD);
      p[2 * j] = bf16Pair(powerOf2(s[4 * j] * SCALE_2 - now.x), powerOf2(s[4 * j + 1] * SCALE_2 - now.y));
      p[2 * j + 1] = bf16Pair(powerOf2(s[4 * j + 2] * SCALE_2 - now.x), powerOf2(s[4 * j + 3] * SCALE_2 - now.y));
    }
  };
  // dQ of the tile with number `count` to where it belongs
  auto endQueries = [&](int keys, int queries, int buffer, int count) {
    float* sum = a.sums + unitIn(buffer)->sums + queries * (TILE * D) + (id - WARPGROUP) / WARPGROUP * 4096 + (id & 127) * 4;
    const int first = a.causal ? queries : tiles - 1;
    if (!HEADS) waitFor(barriers.ready(count % STAGES), count / STAGES & 1);
    if (keys == 0) {
      if (first > 0) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
          const float4 v = loadRelaxed(sum + i * 512);
          dQ[4 * i] += v.x, dQ[4 * i + 1] += v.y, dQ[4 * i + 2] += v.z, dQ[4 * i + 3] += v.w;
        }
      }
      const int row = queries * TILE + group * 64 + warp * 16;
      storeRows(a.dQkv + unitIn(buffer)->out + static_cast<int64_t>(row) * (3 * columns), 3 * columns, dQ, SCALE, a.time - row, shared,
                staging, lane);
    } else if (keys == first) {
#pragma unroll
      for (int i = 0; i < 8; i++) storeRelaxed(sum + i * 512, dQ[4 * i], dQ[4 * i + 1], dQ[4 * i + 2], dQ[4 * i + 3]);
    } else {
#pragma unroll
      for (int i = 0; i < 8; i++) addRelaxed(sum + i * 512, dQ[4 * i], dQ[4 * i + 1], dQ[4 * i + 2], dQ[4 * i + 3]);
    }
    if (!HEADS) {
      __syncwarp();
      if (lane == 0) arrive(barriers.done(count % STAGES));
    }
  };

  // The first tile multiplies dQ of a nonexistent tile before it: of zeros, without effect.
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const uint32_t rows = L::DS + 2 * TILE_BYTES + i / 4 * TILE_BYTES + ownRows;
    *reinterpret_cast<uint4*>(attentionHopperBackwardShared + rows + (i % 4 * WARPGROUP + id % WARPGROUP) * 16) = make_uint4(0, 0, 0, 0);
  }
  fenceAsyncProxy();
  meet<WARPGROUP>(3 + group);

  int unit = 0, count = 0;
  waitFor(barriers.unitFull(0), 0);
  int keys = unitIn(0)->keys, queries = a.causal ? keys : 0, lastKeys = 0, lastQueries = 0, lastBuffer = 0;
  if (keys < 0) return;
  int add = 0;  // 0 at the first tile of a unit
  waitFor(barriers.full(0), 0);
  beginScores(0, 0);
  waitForProducts<0>();
  beginGradients(0, 0);
  probabilities(0, keys, queries, [] {});
  waitForProducts<0>();
#pragma unroll 1
  while (true) {
    const int stage = count % STAGES, buffer = unit & 1, dsBuffer = count & 1;
    // ---- dV of this tile, dQ of the one before
    const uint32_t dO = operand(shared + L::DO) + stage * NEXT;
    float2 d[AHEAD];
#pragma unroll
    for (int j = 0; j < AHEAD; j++) d[j] = statisticsAt(L::DELTA, stage, j);
    fenceProducts();
#pragma unroll
    for (int step = 0; step < 8; step++) multiply<Major::MN>(dV, p + 4 * step, descriptor(dO + step * 128), step == 0 ? add : 1);
    commitProducts();
    if (count > 0) waitFor(barriers.dsFull(dsBuffer ^ 1), (count - 1) >> 1 & 1);
    beginQueries(dsBuffer ^ 1, lastBuffer);
    // ---- dS
    waitFor(barriers.dsEmpty(dsBuffer), ((count + 1) >> 1 & 1) ^ 1);
    uint32_t ds[32];
#pragma unroll
    for (int j = 0; j < 16; j++) {
      const float2 now = d[j % AHEAD];
      if (j + AHEAD < 16) d[j % AHEAD] = statisticsAt(L::DELTA, stage, j + AHEAD);
      ds[2 * j] = multiplyPairs(p[2 * j], bf16Pair(dP[4 * j] - now.x, dP[4 * j + 1] - now.y));
      ds[2 * j + 1] = multiplyPairs(p[2 * j + 1], bf16Pair(dP[4 * j + 2] - now.x, dP[4 * j + 3] - now.y));
      if (j & 1) {
        const int step = j / 2;
        storeMatrices<true>(dsPlace + dsBuffer * 2 * TILE_BYTES + step * 2048, ds[4 * step], ds[4 * step + 1], ds[4 * step + 2],
                            ds[4 * step + 3]);
      }
    }
    fenceAsyncProxy();
    __syncwarp();
    if (lane == 0) arrive(barriers.dsFull(dsBuffer));
    waitForProducts<0>();
    if (lane == 0) arrive(barriers.dsEmpty(dsBuffer ^ 1));
    // ---- dK of this tile, the scores and dP of the next one (at the very end without effect)
    const bool ends = queries == tiles - 1;
    const int nextCount = count + 1, nextUnit = unit + ends;
    int nextStage = nextCount % STAGES, nextBuffer = nextUnit & 1;
    const uint32_t q = operand(shared + L::Q) + stage * NEXT;
    fenceProducts();
#pragma unroll
    for (int step = 0; step < 8; step++) multiply<Major::MN>(dK, ds + 4 * step, descriptor(q + step * 128), step == 0 ? add : 1);
    commitProducts();
    // ---- meanwhile store dQ of the tile before, and dV if this tile is the last of the unit
    if (count > 0) {
      endQueries(lastKeys, lastQueries, lastBuffer, count - 1);
      if (lastBuffer != buffer) {
        __syncwarp();
        if (lane == 0) arrive(barriers.unitEmpty(lastBuffer));
      }
    }
    if (ends) {
      const int row = keys * TILE + group * 64 + warp * 16;
      bf16* to = a.dQkv + unitIn(buffer)->out + static_cast<int64_t>(row) * (3 * columns) + 2 * columns;
      storeRows(to, 3 * columns, dV, 1, a.time - row, shared, staging, lane);
    }
    int nextKeys = keys;
    if (ends) {
      waitFor(barriers.unitFull(nextBuffer), nextUnit >> 1 & 1);
      nextKeys = unitIn(nextBuffer)->keys;
      if (nextKeys < 0) nextStage = stage, nextBuffer = buffer;  // the only valid operands for the product without effect
    }
    const bool more = nextKeys >= 0;
    if (more) waitFor(barriers.full(nextStage), nextCount / STAGES & 1);
    beginScores(nextStage, nextBuffer);
    waitForProducts<1>();  // dK: dS is free
    beginGradients(nextStage, nextBuffer);
    if (lane == 0) arrive(barriers.empty(stage));
    lastKeys = keys, lastQueries = queries, lastBuffer = buffer;
    keys = nextKeys;
    queries = ends ? (a.causal ? keys : 0) : queries + 1;
    // ---- P of the next tile
    probabilities(nextStage, keys, queries, [] { waitForProducts<1>(); });
    waitForProducts<0>();
    if (ends) {
      const int row = lastKeys * TILE + group * 64 + warp * 16;
      bf16* to = a.dQkv + unitIn(lastBuffer)->out + static_cast<int64_t>(row) * (3 * columns) + columns;
      storeRows(to, 3 * columns, dK, SCALE, a.time - row, shared, staging, lane);
      if (!more) break;
    }
    add = !ends;
    count = nextCount;
    unit = nextUnit;
  }
  waitFor(barriers.dsFull(count & 1), count >> 1 & 1);
  beginQueries(count & 1, lastBuffer);
  waitForProducts<0>();
  endQueries(lastKeys, lastQueries, lastBuffer, count);
}

template <bool HEADS>
__device__ __forceinline__ void attentionBackward(const Arguments& a) {
  const saddr shared = sharedAddress(attentionHopperBackwardShared);
  const Barriers barriers{shared + Layout::BARRIERS};
  if (threadIdx.x == 0) barriers.init<HEADS>();
  __syncthreads();
  const int role = __shfl_sync(ALL_LANES, threadIdx.x / WARPGROUP, 0);
  if (role == 0) {
    fewerRegisters<COPYING_REGISTERS>();
    if (HEADS) {
      copyUnits<true>(a, shared, barriers);
    } else {
      const int warp = threadIdx.x / WARP;
      if (warp < 2) copyUnits<false>(a, shared, barriers);
      else if (threadIdx.x == 2 * WARP) takeTurns<false>(a, barriers);
      else if (threadIdx.x == 3 * WARP) takeTurns<true>(a, barriers);
    }
  } else {
    moreRegisters<COMPUTING_REGISTERS>();
    compute<HEADS>(a, shared, barriers);
  }
}

/** Eight lanes per row, two rows each: δ = Σ dOut · out; rows past the end become 0. */
__device__ __forceinline__ void prepareBackward(float* scaledLse, float* delta, int* flags, const bf16* out, const bf16* dOut,
                                                const float* logSumExp, int time, int heads) {
  const int pieces = (time + TILE - 1) / TILE * 2, head = blockIdx.x / pieces, piece = blockIdx.x - head * pieces;
  const int lane = threadIdx.x % 8, first = piece * 64 + threadIdx.x / 8;
  const int64_t padded = static_cast<int64_t>(pieces) * 64;
  if (flags && threadIdx.x == 0 && blockIdx.x % 2 == 0) {
    flags[blockIdx.x / 2] = 0;
    if (blockIdx.x == 0) flags[gridDim.x / 2] = 0;
  }
  uint4 x[2], y[2];
  float l[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const int row = first + i * 32;
    const bool valid = row < time;
    const int64_t place = (static_cast<int64_t>(head / heads) * time + row) * heads * D + head % heads * D + lane * 8;
    x[i] = valid ? *reinterpret_cast<const uint4*>(out + place) : make_uint4(0, 0, 0, 0);
    y[i] = valid ? *reinterpret_cast<const uint4*>(dOut + place) : make_uint4(0, 0, 0, 0);
    l[i] = valid && lane == 0 ? logSumExp[static_cast<int64_t>(head) * time + row] : 0;
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const uint32_t xs[4] = {x[i].x, x[i].y, x[i].z, x[i].w}, ys[4] = {y[i].x, y[i].y, y[i].z, y[i].w};
    float sum = 0;
#pragma unroll
    for (int k = 0; k < 4; k++) {
      sum += __uint_as_float(xs[k] << 16) * __uint_as_float(ys[k] << 16);
      sum += __uint_as_float(xs[k] & 0xffff0000u) * __uint_as_float(ys[k] & 0xffff0000u);
    }
    sum += __shfl_xor_sync(ALL_LANES, sum, 1);
    sum += __shfl_xor_sync(ALL_LANES, sum, 2);
    sum += __shfl_xor_sync(ALL_LANES, sum, 4);
    if (lane == 0) {
      delta[head * padded + first + i * 32] = sum;
      scaledLse[head * padded + first + i * 32] = l[i] * LOG2_E;
    }
  }
}

}  // namespace culebra

// Below, tiles = ⌈T / 128⌉ and total = B · heads; all tensors are 16-byte aligned.

/**
 * scaledLse, delta (total, tiles · 128) from out, dOut (B, T, heads · 64) and logSumExp (total, T). flags (total · tiles + 1) become
 * 0; null for heads. total · tiles · 2 blocks.
 */
extern "C" __global__ void __launch_bounds__(256)
    attention_hopper_backward_prepare_bf16(float* scaledLse, float* delta, int* flags, const culebra::bf16* out,
                                           const culebra::bf16* dOut, const float* logSumExp, int time, int heads) {
  culebra::prepareBackward(scaledLse, delta, flags, out, dOut, logSumExp, time, heads);
}

/**
 * dQkv, qkv (B, T, 3 · heads · 64), dOut (B, T, heads · 64); scaledLse, delta and flags as prepared. sums: for heads
 * (blocks, tiles · 8192), at most `total` blocks; for units (total, tiles · 8192), at most total · tiles blocks. The units of
 * `band` heads are handed out together; flags and band are those of units only.
 */
#define ATTENTION_HOPPER_BACKWARD(NAME, HEADS)                                                                                     \
  extern "C" __global__ void __launch_bounds__(culebra::BACKWARD_THREADS, 1)                                                       \
      attention_hopper_backward_##NAME##_bf16(culebra::bf16* dQkv, const culebra::bf16* qkv, const culebra::bf16* dOut,            \
                                              const float* scaledLse, const float* delta, float* sums, int* flags, int time,       \
                                              int heads, int total, int causal, int band) {                                        \
    culebra::attentionBackward<HEADS>(                                                                                             \
        culebra::Arguments{dQkv, qkv, dOut, scaledLse, delta, sums, flags, time, heads, total, causal, band});                     \
  }

ATTENTION_HOPPER_BACKWARD(heads, true)
ATTENTION_HOPPER_BACKWARD(units, false)
