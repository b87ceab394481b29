// Attention in bf16 on tensor cores: like attention.cu, for head sizes that are multiples of 8, up to 128.
//
// Forward (Dao, "FlashAttention-2", 2023): a block owns rows of queries, whose Q stays in registers. Keys and values are copied
// in tiles, asynchronously and one tile ahead, into swizzled shared memory. S = Q Kᵀ, its softmax and O += P V happen in the
// fragments of mma.m16n8k16: the probabilities computed from one product are the operand of the next.
//
// Backward: blocks that own queries sum dQ = dS K and store δ = Σ dO · O; blocks that own keys sum dV = Pᵀ dO and dK = dSᵀ Q. P
// and dS = P ∘ (dO Vᵀ − δ) are recomputed from the saved log-sum-exp. Two passes instead of one with atomics: two of seven
// products are computed twice, but the result is deterministic.
//
// A warp issues nothing else during its products, so the number of its other instructions matters:
//   - With TILES = 2 tiles of 16 rows per warp, each fragment of the streamed rows serves two products.
//   - Exponents of a row refer to its maximum in the first chunk of keys. There is no running maximum and no rescaling; only if
//     that fails (see forwardPass) a block starts over with both.
//   - Only tiles cut by the causal mask or the end are masked; hidden tiles are skipped. −δ is the initial value of the product
//     for dS.
//   - Row numbers and offsets are 32 bits, in units of 16 bytes.
//
// A head smaller than the instance (32, 64 or 128) is padded with zeros. Bytes and FLOPs as in attention.cu.
//
// Dropout has its own instances. The four elements of a Philox block are four neighbouring keys of a query, so the rows of tiles
// are ordered (KeyColumns, KeyRows) such that a lane has all four and draws once for four elements.
#include "attention.cuh"
#include "mma.cuh"

namespace culebra {

constexpr int MMA_WARPS = 4;
constexpr int MMA_THREADS = MMA_WARPS * WARP;
constexpr float LOG2_E = 1.4426950408889634f;
constexpr float LN_2 = 0.6931471805599453f;

extern __shared__ __align__(1024) unsigned char attentionMmaShared[];

__device__ __forceinline__ float infinity() { return __int_as_float(0x7f800000); }

/** The kernels' parameters apart from tensors. group: see BlockPlace; allHeads: B · heads. */
struct AttentionShape {
  int time, heads, size, causal, group, allHeads;
};

/**
 * The head and row block of a block, and where the head starts. Heads come in groups whose rows fit into the L2 cache; within a
 * group the row blocks with the most work come first.
 */
struct BlockPlace {
  int rowBlock;
  /** b · heads + h. */
  int head;
  /** In units of 16 bytes: from one row to the next in (B, T, C); the start of the head there, and in (B, T, 3, C). */
  uint32_t width, plain, packed;

  __device__ __forceinline__ BlockPlace(const AttentionShape& s, int rowBlocks) {
    const int blocksOfGroup = rowBlocks * s.group, group = blockIdx.x / blocksOfGroup;
    const int block = blockIdx.x - group * blocksOfGroup;
    const int heads = min(s.group, s.allHeads - group * s.group);
    rowBlock = block / heads;
    head = group * s.group + block - rowBlock * heads;
    const int batch = head / s.heads;
    const uint32_t ofBatch = (head - batch * s.heads) * (s.size / 8);
    width = s.heads * s.size / 8;
    plain = batch * s.time * width + ofBatch;
    packed = batch * s.time * 3 * width + ofBatch;
  }
};

// ---- orders of rows -------------------------------------------------------------------------------------------------
// at(slot) is the row in a slot of a tile. It only permutes bits: at(a + b) = at(a) + at(b) if a & b == 0.

struct InOrder {
  static __host__ __device__ constexpr int at(int slot) { return slot; }
};

/** Keys as columns of products: a lane's columns of two neighbouring blocks, 2t and 2t+1 of each, are the keys 4t … 4t+3. */
struct KeyColumns {
  static __host__ __device__ constexpr int at(int slot) {
    return slot / 16 * 16 + slot % 8 / 2 * 4 + slot % 16 / 8 * 2 + slot % 2;
  }
};

/** Keys as the rows of a warp: a lane's rows, g and g+8 of each of TILES tiles, are the keys 2·TILES·g and the following ones. */
template <int TILES>
struct KeyRows {
  static constexpr int ROWS = TILES * 16;

  static __host__ __device__ constexpr int at(int slot) { return slot / ROWS * ROWS + slot % 8 * (ROWS / 8) + slot % ROWS / 8; }
};

/**
 * Starts a copy of rows first … first + ROWS − 1 of a head to a tile; elements past the last row or column become 0. The head
 * starts at base + start · 16 bytes, its rows are stride · 16 bytes apart. If the tile is complete, rows are not checked one by
 * one.
 */
template <int D, int ROWS, typename Order>
__device__ __forceinline__ void copyRows(SharedAddress tile, const bf16* base, uint32_t start, uint32_t stride, int first,
                                         const AttentionShape& s) {
  constexpr int CHUNKS = Tile<D>::CHUNKS, STEP = MMA_THREADS / CHUNKS;
  static_assert(ROWS % STEP == 0 && STEP % 8 == 0, "");
  const int chunk = threadIdx.x % CHUNKS, slot = threadIdx.x / CHUNKS, row = first + Order::at(slot);
  const SharedAddress to = tile + Tile<D>::offset(slot, chunk);
  const uint32_t from = start + row * stride + chunk;
  if (first + ROWS <= s.time && s.size == D) {
#pragma unroll
    for (int i = 0; i < ROWS; i += STEP) {
      copyAsync(to + i * Tile<D>::ROW, base + static_cast<uint64_t>(from + Order::at(i) * stride) * 8, true);
    }
  } else {
    const bool inHead = chunk * 8 < s.size;
#pragma unroll
    for (int i = 0; i < ROWS; i += STEP) {
      const bool valid = inHead && row + Order::at(i) < s.time;
      copyAsync(to + i * Tile<D>::ROW, base + static_cast<uint64_t>(valid ? from + Order::at(i) * stride : start) * 8, valid);
    }
  }
}

/**
 * Writes the TILES · 16 rows of a warp, each times its factor. Fragments go through the warp's own shared memory, so that a lane
 * writes 16 bytes, and neighbouring lanes whole rows.
 */
template <int D, int TILES, typename Order>
__device__ __forceinline__ void storeRows(bf16* head, uint32_t stride, const float (&x)[TILES][D / 8][4],
                                          const float (&factor)[TILES][2], SharedAddress own, int first, const AttentionShape& s) {
  const int lane = threadIdx.x % WARP;
  const SharedAddress to = own + Tile<D>::offset(lane / 4, 0) + lane % 4 * 4;
#pragma unroll
  for (int m = 0; m < TILES; m++) {
#pragma unroll
    for (int n = 0; n < D / 8; n++) {
      const SharedAddress upper = (to ^ (n << 4)) + m * 16 * Tile<D>::ROW;
      storeShared(upper, bf16Pair(x[m][n][0] * factor[m][0], x[m][n][1] * factor[m][0]));
      storeShared(upper + 8 * Tile<D>::ROW, bf16Pair(x[m][n][2] * factor[m][1], x[m][n][3] * factor[m][1]));
    }
  }
  __syncwarp();
  constexpr int CHUNKS = Tile<D>::CHUNKS, STEP = WARP / CHUNKS;
  const int chunk = lane % CHUNKS;
#pragma unroll
  for (int i = 0; i < TILES * 16; i += STEP) {
    const int slot = i + lane / CHUNKS, row = first + Order::at(i) + Order::at(lane / CHUNKS);
    const float4 x = loadShared4(own + Tile<D>::offset(slot, chunk));
    if (row < s.time && chunk * 8 < s.size) {
      *reinterpret_cast<float4*>(head + static_cast<int64_t>(row) * stride * 8 + chunk * 8) = x;
    }
  }
  __syncwarp();
}

// ---- queries own ----------------------------------------------------------------------------------------------------

template <int D, int TILES>
using Fragments = uint32_t[TILES][D / 16][4];

struct Zero {
  __device__ __forceinline__ float4 operator()(int, int = 0) const { return make_float4(0, 0, 0, 0); }
};

/** x = init(m, n) + the warp's rows (A fragments) times 8 · N rows of a tile, transposed. */
template <int D, int TILES, int N, typename Init>
__device__ __forceinline__ void multiplyTransposed(float (&x)[TILES][N][4], const Fragments<D, TILES>& a, SharedAddress rows,
                                                   Init init) {
#pragma unroll
  for (int step = 0; step < D / 16; step++) {
#pragma unroll
    for (int n = 0; n < N; n += 2) {
      uint32_t b[4];
      loadMatrices(b, Tile<D>::at(rows, n * 8, step));
#pragma unroll
      for (int m = 0; m < TILES; m++) {
        if (step == 0) {
          mma(x[m][n], a[m][step], b[0], b[1], init(m, n));
          mma(x[m][n + 1], a[m][step], b[2], b[3], init(m, n + 1));
        } else {
          mma(x[m][n], a[m][step], b[0], b[1]);
          mma(x[m][n + 1], a[m][step], b[2], b[3]);
        }
      }
    }
  }
}

/** sums (TILES · 16, D) += a (TILES · 16, 16) times 16 rows of a tile, from row `first` on. */
template <int D, int TILES>
__device__ __forceinline__ void multiplyInto(float (&sums)[TILES][D / 8][4], const uint32_t (&a)[TILES][4], SharedAddress rows,
                                             int first) {
#pragma unroll
  for (int part = 0; part < D / 16; part++) {
    uint32_t b[4];
    loadMatrices<true>(b, Tile<D>::at(rows, first, part));
#pragma unroll
    for (int m = 0; m < TILES; m++) {
      mma(sums[m][2 * part], a[m], b[0], b[1]);
      mma(sums[m][2 * part + 1], a[m], b[2], b[3]);
    }
  }
}

/** Sets scores of keys (KeyColumns) that a query does not see, or that do not exist, to −∞. */
template <int TILES, int N>
__device__ __forceinline__ void hideKeys(float (&scores)[TILES][N][4], int firstRow, int firstKey, const AttentionShape& s) {
  if (firstKey + N * 8 <= s.time && !(s.causal && firstKey + N * 8 - 1 > firstRow)) return;
  const int lane = threadIdx.x % WARP;
#pragma unroll
  for (int m = 0; m < TILES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int query = firstRow + m * 16 + lane / 4 + half * 8;
      const int last = (s.causal ? min(query, s.time - 1) : s.time - 1) - firstKey - lane % 4 * 4;
#pragma unroll
      for (int n = 0; n < N; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          if (KeyColumns::at(n * 8 + i) > last) scores[m][n][2 * half + i] = -infinity();
        }
      }
    }
  }
}

/** Words of a lane's two rows of a tile and its four keys of a pair of column blocks; quad is that of the first row. */
__device__ __forceinline__ void wordsOfRows(uint4 (&words)[2], const QuadDropout& dropout, uint32_t quad, uint32_t quadsOfRow) {
  const uint32_t quads[2] = {quad, quad + 8 * quadsOfRow};
  dropout.words(words, quads);
}

/** A larger sum of a row is not trusted. Its products with values of up to 2^63 are still finite. */
constexpr float LARGEST_SUM = 0x1p64f;

/**
 * All keys of a block's queries once: output += P V, sum += Σ P, without the 1 / sum. The exponents of a row refer to its maximum
 * in the first chunk of keys. P may then be as large as LARGEST_SUM, which floats and bf16 represent with the same relative
 * precision. If a sum becomes larger, or NaN, the pass must be repeated as SAFE, with the running maximum.
 *
 * @param reference −maximum · c, what is added to a score times c to give the exponent of 2
 */
template <int D, int TILES, int STREAMED, int CHUNK, bool SAFE, typename Dropout, typename CopyPair>
__device__ __forceinline__ void forwardPass(float (&output)[TILES][D / 8][4], float (&sum)[TILES][2], float (&reference)[TILES][2],
                                            const Fragments<D, TILES>& q, const AttentionShape& s, const Dropout& dropout,
                                            SharedAddress shared, int head, int firstRow, int tiles, float c, CopyPair copyPair) {
  constexpr int BYTES = STREAMED * Tile<D>::ROW, BLOCKS = CHUNK / 8;
  const int lane = threadIdx.x % WARP;
  const uint32_t columns = Tile<D>::laneOfColumns(lane), rows = Tile<D>::laneOfRows(lane);
  const uint32_t quadsOfRow = s.time / 4, quad = (head * s.time + firstRow + lane / 4) * quadsOfRow + lane % 4;
#pragma unroll
  for (int m = 0; m < TILES; m++) {
    reference[m][0] = reference[m][1] = infinity();
    sum[m][0] = sum[m][1] = 0;
#pragma unroll
    for (int n = 0; n < D / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) output[m][n][i] = 0;
    }
  }
  for (int tile = 0; tile < tiles; tile++) {
    waitForCopies<0>();
    __syncthreads();  // the tile has arrived, and all are done with the stage that is filled next
    if (tile + 1 < tiles) copyPair(tile + 1);
    const SharedAddress stage = shared + (tile & 1) * 2 * BYTES;
#pragma unroll
    for (int chunk = 0; chunk < STREAMED; chunk += CHUNK) {
      const int firstKey = tile * STREAMED + chunk;
      if (firstKey >= s.time || (s.causal && firstKey > firstRow + TILES * 16 - 1)) break;  // hidden from the whole warp
      float p[TILES][BLOCKS][4];
      multiplyTransposed<D>(p, q, stage + columns + chunk * Tile<D>::ROW, Zero{});
      hideKeys(p, firstRow, firstKey, s);
      if (SAFE || (tile == 0 && chunk == 0)) {
#pragma unroll
        for (int m = 0; m < TILES; m++) {
#pragma unroll
          for (int half = 0; half < 2; half++) {
            float x = fmaxf(p[m][0][2 * half], p[m][0][2 * half + 1]);
#pragma unroll
            for (int n = 1; n < BLOCKS; n++) x = fmaxf(x, fmaxf(p[m][n][2 * half], p[m][n][2 * half + 1]));
            x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));  // the four lanes of a row
            x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
            const float lower = fminf(-x * c, reference[m][half]);
            if (SAFE) {
              const float shrink = powerOf2(lower - reference[m][half]);
              sum[m][half] *= shrink;
#pragma unroll
              for (int n = 0; n < D / 8; n++) {
                output[m][n][2 * half] *= shrink;
                output[m][n][2 * half + 1] *= shrink;
              }
            }
            reference[m][half] = lower;
          }
        }
      }
#pragma unroll
      for (int pair = 0; pair < BLOCKS / 2; pair++) {
        uint32_t a[TILES][4];
#pragma unroll
        for (int m = 0; m < TILES; m++) {
          uint4 words[2];
          if constexpr (Dropout::DROPS) wordsOfRows(words, dropout, quad + m * 16 * quadsOfRow + firstKey / 4 + pair * 4, quadsOfRow);
#pragma unroll
          for (int i = 0; i < 4; i++) {  // registers of the A fragment
            const int half = i % 2;
            const float (&scores)[4] = p[m][2 * pair + i / 2];
            float x = powerOf2(fmaf(scores[2 * half], c, reference[m][half]));
            float y = powerOf2(fmaf(scores[2 * half + 1], c, reference[m][half]));
            sum[m][half] += x + y;
            if constexpr (Dropout::DROPS) {
              if (!dropout.keeps(word(words[half], i / 2 * 2))) x = 0;
              if (!dropout.keeps(word(words[half], i / 2 * 2 + 1))) y = 0;
            }
            a[m][i] = bf16Pair(x, y);
          }
        }
        multiplyInto<D>(output, a, stage + BYTES + rows + chunk * Tile<D>::ROW, pair * 16);
      }
    }
  }
}

/**
 * out and logSumExp. A warp owns TILES · 16 queries; STREAMED keys and values are loaded at a time, CHUNK scores of a row are in
 * registers. Shared memory: stage i has K at 2 · i tiles, followed by V; Q comes through stage 1.
 */
template <int D, int TILES, int STREAMED, int CHUNK, typename Dropout>
__device__ __forceinline__ void attentionMmaForward(bf16* out, float* logSumExp, const bf16* qkv, const AttentionShape& s,
                                                    const Dropout& dropout) {
  constexpr int ROWS = MMA_WARPS * TILES * 16, BYTES = STREAMED * Tile<D>::ROW;
  static_assert(ROWS <= 2 * STREAMED, "Q fits into a stage");
  const int rowBlocks = (s.time + ROWS - 1) / ROWS;
  const BlockPlace place(s, rowBlocks);
  const int firstQuery = (s.causal ? rowBlocks - 1 - place.rowBlock : place.rowBlock) * ROWS;
  const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  const int firstRow = firstQuery + warp * TILES * 16;
  const SharedAddress shared = sharedAddress(attentionMmaShared);
  const SharedAddress queries = shared + 2 * BYTES + Tile<D>::laneOfRows(lane) + warp * TILES * 16 * Tile<D>::ROW;
  const int end = s.causal ? min(s.time, firstQuery + ROWS) : s.time;
  const int tiles = (end + STREAMED - 1) / STREAMED;
  auto copyPair = [&](int tile) {
    const SharedAddress stage = shared + (tile & 1) * 2 * BYTES;
    copyRows<D, STREAMED, KeyColumns>(stage, qkv, place.packed + place.width, 3 * place.width, tile * STREAMED, s);
    copyRows<D, STREAMED, KeyColumns>(stage + BYTES, qkv, place.packed + 2 * place.width, 3 * place.width, tile * STREAMED, s);
    commitCopies();
  };
  copyRows<D, ROWS, InOrder>(shared + 2 * BYTES, qkv, place.packed, 3 * place.width, firstQuery, s);
  commitCopies();
  copyPair(0);
  waitForCopies<1>();
  __syncthreads();
  Fragments<D, TILES> q;
#pragma unroll
  for (int m = 0; m < TILES; m++) {
#pragma unroll
    for (int step = 0; step < D / 16; step++) loadMatrices(q[m][step], Tile<D>::at(queries, m * 16, step));
  }

  const float c = rsqrtf(static_cast<float>(s.size)) * LOG2_E;  // the hardware computes powers of 2
  float output[TILES][D / 8][4], sum[TILES][2], reference[TILES][2];
  forwardPass<D, TILES, STREAMED, CHUNK, false>(output, sum, reference, q, s, dropout, shared, place.head, firstRow, tiles, c,
                                                copyPair);
  bool wrong = false;
#pragma unroll
  for (int m = 0; m < TILES; m++) wrong = wrong || !(sum[m][0] <= LARGEST_SUM) || !(sum[m][1] <= LARGEST_SUM);
  if (__syncthreads_or(wrong)) {
    copyPair(0);
    forwardPass<D, TILES, STREAMED, CHUNK, true>(output, sum, reference, q, s, dropout, shared, place.head, firstRow, tiles, c,
                                                 copyPair);
    __syncthreads();
  }

  float factor[TILES][2];
#pragma unroll
  for (int m = 0; m < TILES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float x = sum[m][half];
      x += __shfl_xor_sync(ALL_LANES, x, 1);
      x += __shfl_xor_sync(ALL_LANES, x, 2);
      factor[m][half] = dropout.keptScale / x;
      const int row = firstRow + m * 16 + lane / 4 + half * 8;
      if (lane % 4 == 0 && row < s.time) {
        logSumExp[static_cast<int64_t>(place.head) * s.time + row] = (log2f(x) - reference[m][half]) * LN_2;
      }
    }
  }
  storeRows<D, TILES, InOrder>(out + static_cast<uint64_t>(place.plain) * 8, place.width, output, factor,
                               shared + warp * TILES * 16 * Tile<D>::ROW, firstRow, s);
}

/**
 * dQ, and δ (B, heads, T) for attentionMmaBackwardKeys. A warp owns TILES · 16 queries, whose Q and dO are in registers.
 * Shared memory: stages as in forward, followed by Q and dO. All initial loads of a block are issued at once, O in stage 1 (three
 * waits in sequence cost a quarter of the time at T = 1024); if O needs both stages, it comes first.
 */
template <int D, int TILES, int STREAMED, int CHUNK, typename Dropout>
__device__ __forceinline__ void attentionMmaBackwardQueries(bf16* dQkv, float* delta, const bf16* dOut, const bf16* out,
                                                            const float* logSumExp, const bf16* qkv, const AttentionShape& s,
                                                            const Dropout& dropout) {
  constexpr int ROWS = MMA_WARPS * TILES * 16, BYTES = STREAMED * Tile<D>::ROW, OWN = ROWS * Tile<D>::ROW, BLOCKS = CHUNK / 8;
  static_assert(ROWS <= 4 * STREAMED, "O fits into the stages");
  const int rowBlocks = (s.time + ROWS - 1) / ROWS;
  const BlockPlace place(s, rowBlocks);
  const int firstQuery = (s.causal ? rowBlocks - 1 - place.rowBlock : place.rowBlock) * ROWS;
  // By a shuffle, so that the compiler knows that branches on it are uniform in the warp.
  const int lane = threadIdx.x % WARP, warp = __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / WARP, 0);
  const int firstRow = firstQuery + warp * TILES * 16;
  constexpr bool BESIDE = ROWS <= 2 * STREAMED;
  const SharedAddress shared = sharedAddress(attentionMmaShared), own = shared + 4 * BYTES;
  const SharedAddress outputs = BESIDE ? shared + 2 * BYTES : shared;
  const int end = s.causal ? min(s.time, firstQuery + ROWS) : s.time;
  const int tiles = (end + STREAMED - 1) / STREAMED;
  copyRows<D, ROWS, InOrder>(own, qkv, place.packed, 3 * place.width, firstQuery, s);
  copyRows<D, ROWS, InOrder>(own + OWN, dOut, place.plain, place.width, firstQuery, s);
  copyRows<D, ROWS, InOrder>(outputs, out, place.plain, place.width, firstQuery, s);
  commitCopies();
  auto copyPair = [&](int tile) {
    const SharedAddress stage = shared + (tile & 1) * 2 * BYTES;
    copyRows<D, STREAMED, KeyColumns>(stage, qkv, place.packed + place.width, 3 * place.width, tile * STREAMED, s);
    copyRows<D, STREAMED, KeyColumns>(stage + BYTES, qkv, place.packed + 2 * place.width, 3 * place.width, tile * STREAMED, s);
    commitCopies();
  };
  if constexpr (BESIDE) copyPair(0);
  const int64_t statistics = static_cast<int64_t>(place.head) * s.time;
  float minusLse[TILES][2];
#pragma unroll
  for (int m = 0; m < TILES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = firstRow + m * 16 + lane / 4 + half * 8;
      minusLse[m][half] = row < s.time ? -logSumExp[statistics + row] * LOG2_E : -infinity();
    }
  }
  waitForCopies<BESIDE ? 1 : 0>();
  __syncthreads();
  const uint32_t columns = Tile<D>::laneOfColumns(lane), rows = Tile<D>::laneOfRows(lane);
  const SharedAddress ofWarp = rows + warp * TILES * 16 * Tile<D>::ROW;
  Fragments<D, TILES> q, g;
  float4 minusDelta[TILES];  // by keptScale, as the product that begins with it wants it: two of row g, two of row g + 8
#pragma unroll
  for (int m = 0; m < TILES; m++) {
    float x[2] = {};
#pragma unroll
    for (int step = 0; step < D / 16; step++) {
      const SharedAddress a = Tile<D>::at(own + ofWarp, m * 16, step);
      loadMatrices(q[m][step], a);
      loadMatrices(g[m][step], a + OWN);
      uint32_t o[4];
      loadMatrices(o, Tile<D>::at(outputs + ofWarp, m * 16, step));
#pragma unroll
      for (int i = 0; i < 4; i++) {
        x[i % 2] = fmaf(lowOf(o[i]), lowOf(g[m][step][i]), x[i % 2]);
        x[i % 2] = fmaf(highOf(o[i]), highOf(g[m][step][i]), x[i % 2]);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = firstRow + m * 16 + lane / 4 + half * 8;
      x[half] += __shfl_xor_sync(ALL_LANES, x[half], 1);
      x[half] += __shfl_xor_sync(ALL_LANES, x[half], 2);
      if (lane % 4 == 0 && row < s.time) delta[statistics + row] = x[half];
      x[half] = -x[half] / dropout.keptScale;
    }
    minusDelta[m] = make_float4(x[0], x[0], x[1], x[1]);
  }

  if constexpr (!BESIDE) {
    __syncthreads();
    copyPair(0);
  }
  const float scale = rsqrtf(static_cast<float>(s.size)), c = scale * LOG2_E;
  const uint32_t quadsOfRow = s.time / 4, quad = (place.head * s.time + firstRow + lane / 4) * quadsOfRow + lane % 4;
  float dQ[TILES][D / 8][4] = {};
  for (int tile = 0; tile < tiles; tile++) {
    waitForCopies<0>();
    __syncthreads();
    if (tile + 1 < tiles) copyPair(tile + 1);
    const SharedAddress stage = shared + (tile & 1) * 2 * BYTES;
#pragma unroll
    for (int chunk = 0; chunk < STREAMED; chunk += CHUNK) {
      const int firstKey = tile * STREAMED + chunk;
      if (firstKey >= s.time || (s.causal && firstKey > firstRow + TILES * 16 - 1)) break;
      float p[TILES][BLOCKS][4], dP[TILES][BLOCKS][4];
      const SharedAddress keys = stage + columns + chunk * Tile<D>::ROW;
      multiplyTransposed<D>(p, q, keys, Zero{});
      hideKeys(p, firstRow, firstKey, s);
      multiplyTransposed<D>(dP, g, keys + BYTES, [&](int m, int) { return minusDelta[m]; });
#pragma unroll
      for (int pair = 0; pair < BLOCKS / 2; pair++) {
        uint32_t dS[TILES][4];
#pragma unroll
        for (int m = 0; m < TILES; m++) {
          uint4 words[2];
          if constexpr (Dropout::DROPS) wordsOfRows(words, dropout, quad + m * 16 * quadsOfRow + firstKey / 4 + pair * 4, quadsOfRow);
#pragma unroll
          for (int i = 0; i < 4; i++) {
            const int n = 2 * pair + i / 2, half = i % 2;
            float x = dP[m][n][2 * half], y = dP[m][n][2 * half + 1];
            if constexpr (Dropout::DROPS) {
              if (!dropout.keeps(word(words[half], i / 2 * 2))) x = half == 0 ? minusDelta[m].x : minusDelta[m].z;
              if (!dropout.keeps(word(words[half], i / 2 * 2 + 1))) y = half == 0 ? minusDelta[m].x : minusDelta[m].z;
            }
            dS[m][i] = bf16Pair(powerOf2(fmaf(p[m][n][2 * half], c, minusLse[m][half])) * x,
                                powerOf2(fmaf(p[m][n][2 * half + 1], c, minusLse[m][half])) * y);
          }
        }
        multiplyInto<D>(dQ, dS, stage + rows + chunk * Tile<D>::ROW, pair * 16);
      }
    }
  }
  float factor[TILES][2];
#pragma unroll
  for (int m = 0; m < TILES; m++) factor[m][0] = factor[m][1] = scale * dropout.keptScale;
  storeRows<D, TILES, InOrder>(dQkv + static_cast<uint64_t>(place.packed) * 8, 3 * place.width, dQ, factor,
                               own + warp * TILES * 16 * Tile<D>::ROW, firstRow, s);
}

// ---- keys own -------------------------------------------------------------------------------------------------------

/** x (TILES · 16, 8 · N) = init(n) + rows of a tile times rows of another, transposed; fragments are read one step ahead. */
template <int D, int TILES, int N, typename Init>
__device__ __forceinline__ void multiplyAhead(float (&x)[TILES][N][4], SharedAddress owned, SharedAddress rows, Init init) {
  uint32_t a[2][TILES][4], b[2][N / 2][4];
  auto load = [&](int step) {
#pragma unroll
    for (int m = 0; m < TILES; m++) loadMatrices(a[step % 2][m], Tile<D>::at(owned, m * 16, step));
#pragma unroll
    for (int n = 0; n < N; n += 2) loadMatrices(b[step % 2][n / 2], Tile<D>::at(rows, n * 8, step));
  };
  load(0);
#pragma unroll
  for (int step = 0; step < D / 16; step++) {
    if (step + 1 < D / 16) load(step + 1);
#pragma unroll
    for (int n = 0; n < N; n += 2) {
      const uint32_t (&columns)[4] = b[step % 2][n / 2];
      if (step == 0) {
        const float4 first = init(n), second = init(n + 1);
#pragma unroll
        for (int m = 0; m < TILES; m++) {
          mma(x[m][n], a[0][m], columns[0], columns[1], first);
          mma(x[m][n + 1], a[0][m], columns[2], columns[3], second);
        }
      } else {
#pragma unroll
        for (int m = 0; m < TILES; m++) {
          mma(x[m][n], a[step % 2][m], columns[0], columns[1]);
          mma(x[m][n + 1], a[step % 2][m], columns[2], columns[3]);
        }
      }
    }
  }
}

/**
 * Words of a lane's keys (KeyRows) for its columns, queries 2t and 2t+1 of each of two blocks: words[2 · block + i], of which
 * those from `firstWord` on are of the lane's 2 · TILES keys. quad is that of query 2t of the first block.
 */
template <int TILES>
__device__ __forceinline__ void wordsOfColumns(uint4 (&words)[4], const QuadDropout& dropout, uint32_t quad, uint32_t quadsOfRow) {
  static_assert(TILES == 1 || TILES == 2, "");
  if constexpr (TILES == 2) {
    const uint32_t quads[4] = {quad, quad + quadsOfRow, quad + 8 * quadsOfRow, quad + 9 * quadsOfRow};
    dropout.words(words, quads);
  } else {  // two lanes have two keys each of a quad: one draws it for query 2t, the other for 2t+1
    const bool odd = threadIdx.x / 4 % 2;
    const uint32_t own = quad + (odd ? quadsOfRow : 0);
    const uint32_t quads[2] = {own, own + 8 * quadsOfRow};
    uint4 drawn[2];
    dropout.words(drawn, quads);
#pragma unroll
    for (int block = 0; block < 2; block++) {
      const uint4 w = drawn[block];
      const uint32_t x = __shfl_xor_sync(ALL_LANES, odd ? w.x : w.z, 4), y = __shfl_xor_sync(ALL_LANES, odd ? w.y : w.w, 4);
      words[2 * block].x = odd ? x : w.x;
      words[2 * block].y = odd ? y : w.y;
      words[2 * block + 1].x = odd ? w.z : x;
      words[2 * block + 1].y = odd ? w.w : y;
    }
  }
}

/**
 * dK and dV. A warp owns TILES · 16 keys; dK and dV are in registers. K and V are too (HELD), or if there is no room they are
 * read from shared memory, one step ahead. Shared memory: stages of Q and dO; K and V if not HELD; for each stage the statistics
 * of its queries in fragment layout: for each pair of queries −δ of the first, of the second, and the same again, so that a
 * product can start with them; after all of these −logSumExp / ln 2.
 */
template <int D, int TILES, int STREAMED, int CHUNK, bool HELD, typename Dropout>
__device__ __forceinline__ void attentionMmaBackwardKeys(bf16* dQkv, const bf16* dOut, const float* logSumExp, const float* delta,
                                                         const bf16* qkv, const AttentionShape& s, const Dropout& dropout) {
  constexpr int ROWS = MMA_WARPS * TILES * 16, BYTES = STREAMED * Tile<D>::ROW, OWN = ROWS * Tile<D>::ROW, BLOCKS = CHUNK / 8;
  constexpr int QUADS = STREAMED / 2 * 16, STATISTICS = QUADS + STREAMED * 4;
  static_assert(2 * STREAMED <= MMA_THREADS, "a thread brings one number of a tile");
  static_assert(!HELD || 2 * OWN <= 4 * BYTES, "K and V fit into the stages");
  const int rowBlocks = (s.time + ROWS - 1) / ROWS;
  const BlockPlace place(s, rowBlocks);
  const int firstKey = place.rowBlock * ROWS;
  const int lane = threadIdx.x % WARP, warp = __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / WARP, 0);
  const int ownKey = firstKey + warp * TILES * 16;
  const SharedAddress shared = sharedAddress(attentionMmaShared);
  // HELD: K and V are loaded, and dK and dV stored, through the stages.
  const SharedAddress own = HELD ? shared : shared + 4 * BYTES, statistics = shared + 4 * BYTES + (HELD ? 0 : 2 * OWN);
  const int firstTile = s.causal ? firstKey / STREAMED : 0;
  const int tiles = (s.time + STREAMED - 1) / STREAMED;
  auto copyPair = [&](int tile) {
    const SharedAddress stage = shared + (tile & 1) * 2 * BYTES;
    copyRows<D, STREAMED, InOrder>(stage, qkv, place.packed, 3 * place.width, tile * STREAMED, s);
    copyRows<D, STREAMED, InOrder>(stage + BYTES, dOut, place.plain, place.width, tile * STREAMED, s);
    commitCopies();
  };
  float brought = 0;
  auto fetch = [&](int tile) {  // thread i < STREAMED the log-sum-exp of query i of the tile, thread STREAMED + i its δ
    const int query = tile * STREAMED + static_cast<int>(threadIdx.x) % STREAMED;
    const int64_t at = static_cast<int64_t>(place.head) * s.time + query;
    if (threadIdx.x < STREAMED) {
      brought = query < s.time ? -logSumExp[at] * LOG2_E : -infinity();
    } else if (threadIdx.x < 2 * STREAMED) {
      brought = query < s.time ? -delta[at] / dropout.keptScale : 0;
    }
  };
  auto put = [&](int tile) {
    const int i = threadIdx.x % STREAMED;
    const SharedAddress to = statistics + (tile & 1) * STATISTICS;
    if (threadIdx.x < STREAMED) {
      storeShared(to + QUADS + i * 4, brought);
    } else if (threadIdx.x < 2 * STREAMED) {
      storeShared(to + i / 2 * 16 + i % 2 * 4, brought);
      storeShared(to + i / 2 * 16 + i % 2 * 4 + 8, brought);
    }
  };
  copyRows<D, ROWS, KeyRows<TILES>>(own, qkv, place.packed + place.width, 3 * place.width, firstKey, s);
  copyRows<D, ROWS, KeyRows<TILES>>(own + OWN, qkv, place.packed + 2 * place.width, 3 * place.width, firstKey, s);
  const uint32_t columns = Tile<D>::laneOfColumns(lane), rows = Tile<D>::laneOfRows(lane);
  const SharedAddress keys = own + rows + warp * TILES * 16 * Tile<D>::ROW;
  Fragments<D, TILES> k, v;
  if constexpr (HELD) {
    commitCopies();
    waitForCopies<0>();
    __syncthreads();
#pragma unroll
    for (int m = 0; m < TILES; m++) {
#pragma unroll
      for (int step = 0; step < D / 16; step++) {
        loadMatrices(k[m][step], Tile<D>::at(keys, m * 16, step));
        loadMatrices(v[m][step], Tile<D>::at(keys, m * 16, step) + OWN);
      }
    }
    __syncthreads();
  }
  copyPair(firstTile);
  fetch(firstTile);
  put(firstTile);
  const float scale = rsqrtf(static_cast<float>(s.size)), c = scale * LOG2_E;
  const uint32_t quadsOfRow = s.time / 4;
  const uint32_t quad = (place.head * s.time + lane % 4 * 2) * quadsOfRow + (ownKey + KeyRows<TILES>::at(lane / 4)) / 4;
  float dK[TILES][D / 8][4] = {}, dV[TILES][D / 8][4] = {};
  for (int tile = firstTile; tile < tiles; tile++) {
    waitForCopies<0>();
    __syncthreads();  // the tile has arrived, and all are done with the stage that is filled next
    if (tile + 1 < tiles) {
      copyPair(tile + 1);
      fetch(tile + 1);
    }
    const SharedAddress stage = shared + (tile & 1) * 2 * BYTES, ofTile = statistics + (tile & 1) * STATISTICS;
#pragma unroll
    for (int chunk = 0; chunk < STREAMED; chunk += CHUNK) {
      const int firstQuery = tile * STREAMED + chunk;
      if (s.causal && firstQuery + CHUNK <= ownKey) continue;  // no query sees these keys
      float p[TILES][BLOCKS][4], dP[TILES][BLOCKS][4];
      const SharedAddress queries = stage + columns + chunk * Tile<D>::ROW;
      if constexpr (HELD) {
        multiplyTransposed<D>(p, k, queries, Zero{});
      } else {
        multiplyAhead<D>(p, keys, queries, Zero{});
      }
      if (s.causal && firstQuery < ownKey + TILES * 16 - 1) {
#pragma unroll
        for (int m = 0; m < TILES; m++) {
#pragma unroll
          for (int half = 0; half < 2; half++) {
            const int key = ownKey + KeyRows<TILES>::at(lane / 4) + KeyRows<TILES>::at(m * 16 + half * 8);
            const int first = key - firstQuery - lane % 4 * 2;  // the first query that sees it
#pragma unroll
            for (int n = 0; n < BLOCKS; n++) {
              if (n * 8 < first) p[m][n][2 * half] = -infinity();
              if (n * 8 + 1 < first) p[m][n][2 * half + 1] = -infinity();
            }
          }
        }
      }
      const SharedAddress minusDelta = ofTile + (chunk / 2 + lane % 4) * 16;
      const SharedAddress minusLse = ofTile + QUADS + (chunk / 2 + lane % 4) * 8;
      if constexpr (HELD) {
        multiplyTransposed<D>(dP, v, queries + BYTES, [&](int, int n) { return loadShared4(minusDelta + n * 4 * 16); });
      } else {
        multiplyAhead<D>(dP, keys + OWN, queries + BYTES, [&](int n) { return loadShared4(minusDelta + n * 4 * 16); });
      }
      const SharedAddress streamed = stage + rows + chunk * Tile<D>::ROW;
#pragma unroll
      for (int pair = 0; pair < BLOCKS / 2; pair++) {
        uint32_t weights[TILES][4], dS[TILES][4];
        uint32_t b[2][4];
        loadMatrices<true>(b[0], Tile<D>::at(streamed, pair * 16, 0) + BYTES);
        uint4 words[4];
        if constexpr (Dropout::DROPS) {
          wordsOfColumns<TILES>(words, dropout, quad + (firstQuery + pair * 16) * quadsOfRow, quadsOfRow);
        }
#pragma unroll
        for (int j = 0; j < 2; j++) {
          const int n = 2 * pair + j;
          const float2 lse = loadShared2(minusLse + n * 4 * 8);
          float2 dropped;
          if constexpr (Dropout::DROPS) dropped = loadShared2(minusDelta + n * 4 * 16);
#pragma unroll
          for (int m = 0; m < TILES; m++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
              float x = powerOf2(fmaf(p[m][n][2 * half], c, lse.x)), y = powerOf2(fmaf(p[m][n][2 * half + 1], c, lse.y));
              float dX = dP[m][n][2 * half], dY = dP[m][n][2 * half + 1];
              float keptX = x, keptY = y;
              if constexpr (Dropout::DROPS) {
                if (!dropout.keeps(word(words[2 * j], 2 * m + half))) {
                  keptX = 0;
                  dX = dropped.x;
                }
                if (!dropout.keeps(word(words[2 * j + 1], 2 * m + half))) {
                  keptY = 0;
                  dY = dropped.y;
                }
              }
              weights[m][2 * j + half] = bf16Pair(keptX, keptY);
              dS[m][2 * j + half] = bf16Pair(x * dX, y * dY);
            }
          }
        }
#pragma unroll
        for (int part = 0; part < D / 8; part++) {  // first the parts of dO, then those of Q
          if (part + 1 < D / 8) {
            const int next = part + 1;
            loadMatrices<true>(b[next % 2],
                               Tile<D>::at(streamed, pair * 16, next % (D / 16)) + (next < D / 16 ? BYTES : 0));
          }
          const uint32_t (&columnsOfPart)[4] = b[part % 2];
#pragma unroll
          for (int m = 0; m < TILES; m++) {
            if (part < D / 16) {
              mma(dV[m][2 * part], weights[m], columnsOfPart[0], columnsOfPart[1]);
              mma(dV[m][2 * part + 1], weights[m], columnsOfPart[2], columnsOfPart[3]);
            } else {
              mma(dK[m][2 * (part - D / 16)], dS[m], columnsOfPart[0], columnsOfPart[1]);
              mma(dK[m][2 * (part - D / 16) + 1], dS[m], columnsOfPart[2], columnsOfPart[3]);
            }
          }
        }
      }
    }
    if (tile + 1 < tiles) put(tile + 1);
  }
  float factor[TILES][2];
#pragma unroll
  for (int m = 0; m < TILES; m++) factor[m][0] = factor[m][1] = scale * dropout.keptScale;
  if constexpr (HELD) {
    __syncthreads();  // all are done with the stages
  } else {
    __syncwarp();  // a warp reads only its own rows of K and V: they may become dK and dV
  }
  const SharedAddress ownRows = own + warp * TILES * 16 * Tile<D>::ROW;
  bf16* const dKeys = dQkv + static_cast<uint64_t>(place.packed + place.width) * 8;
  storeRows<D, TILES, KeyRows<TILES>>(dKeys, 3 * place.width, dK, factor, ownRows, ownKey, s);
#pragma unroll
  for (int m = 0; m < TILES; m++) factor[m][0] = factor[m][1] = dropout.keptScale;
  storeRows<D, TILES, KeyRows<TILES>>(dKeys + 8LL * place.width, 3 * place.width, dV, factor, ownRows + OWN, ownKey, s);
}

}  // namespace culebra

using namespace culebra;

#define ATTENTION_SHAPE {time, heads, size, causal, group, allHeads}

// NAME: of the instance. TILES, STREAMED, CHUNK: see above. BLOCKS: per multiprocessor, which limits the registers.
#define ATTENTION_MMA_FORWARD(NAME, D, TILES, STREAMED, CHUNK, BLOCKS)                                                              \
  /** As attention_forward_bf16; size is a multiple of 8, at most D; rows begin at multiples of 16 bytes; group ≥ 1. */            \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS, BLOCKS)                                                                 \
      attention_mma_forward_##NAME##_bf16(bf16* out, float* logSumExp, const bf16* qkv, int time, int heads, int size, int causal, \
                                          int group, int allHeads) {                                                                \
    attentionMmaForward<D, TILES, STREAMED, CHUNK>(out, logSumExp, qkv, ATTENTION_SHAPE, NoDropout{});                             \
  }

#define ATTENTION_MMA_FORWARD_DROPOUT(NAME, D, TILES, STREAMED, CHUNK, BLOCKS)                                                      \
  /** With dropout; time is a multiple of 4. */                                                                                    \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS, BLOCKS)                                                                 \
      attention_mma_forward_dropout_##NAME##_bf16(bf16* out, float* logSumExp, const bf16* qkv, int time, int heads, int size,     \
                                                  int causal, int group, int allHeads, const int* state, int site, float p,        \
                                                  float keptScale) {                                                                \
    attentionMmaForward<D, TILES, STREAMED, CHUNK>(out, logSumExp, qkv, ATTENTION_SHAPE, QuadDropout(state, site, p, keptScale));  \
  }

#define ATTENTION_MMA_QUERIES(NAME, D, TILES, STREAMED, CHUNK, BLOCKS)                                                              \
  /** Writes delta, too: it goes before backward_keys. */                                                                          \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS, BLOCKS)                                                                 \
      attention_mma_backward_queries_##NAME##_bf16(bf16* dQkv, float* delta, const bf16* dOut, const bf16* out,                    \
                                                   const float* logSumExp, const bf16* qkv, int time, int heads, int size,         \
                                                   int causal, int group, int allHeads) {                                           \
    attentionMmaBackwardQueries<D, TILES, STREAMED, CHUNK>(dQkv, delta, dOut, out, logSumExp, qkv, ATTENTION_SHAPE, NoDropout{});  \
  }

#define ATTENTION_MMA_QUERIES_DROPOUT(NAME, D, TILES, STREAMED, CHUNK, BLOCKS)                                                      \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS, BLOCKS)                                                                 \
      attention_mma_backward_queries_dropout_##NAME##_bf16(bf16* dQkv, float* delta, const bf16* dOut, const bf16* out,            \
                                                           const float* logSumExp, const bf16* qkv, int time, int heads,           \
                                                           int size, int causal, int group, int allHeads, const int* state,        \
                                                           int site, float p, float keptScale) {                                    \
    attentionMmaBackwardQueries<D, TILES, STREAMED, CHUNK>(dQkv, delta, dOut, out, logSumExp, qkv, ATTENTION_SHAPE,                \
                                                           QuadDropout(state, site, p, keptScale));                                 \
  }

#define ATTENTION_MMA_KEYS(NAME, D, TILES, STREAMED, CHUNK, HELD, BLOCKS)                                                              \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS, BLOCKS)                                                                 \
      attention_mma_backward_keys_##NAME##_bf16(bf16* dQkv, const bf16* dOut, const float* logSumExp, const float* delta,          \
                                                const bf16* qkv, int time, int heads, int size, int causal, int group,             \
                                                int allHeads) {                                                                     \
    attentionMmaBackwardKeys<D, TILES, STREAMED, CHUNK, HELD>(dQkv, dOut, logSumExp, delta, qkv, ATTENTION_SHAPE, NoDropout{});          \
  }

#define ATTENTION_MMA_KEYS_DROPOUT(NAME, D, TILES, STREAMED, CHUNK, HELD, BLOCKS)                                                      \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS, BLOCKS)                                                                 \
      attention_mma_backward_keys_dropout_##NAME##_bf16(bf16* dQkv, const bf16* dOut, const float* logSumExp, const float* delta,  \
                                                        const bf16* qkv, int time, int heads, int size, int causal, int group,     \
                                                        int allHeads, const int* state, int site, float p, float keptScale) {       \
    attentionMmaBackwardKeys<D, TILES, STREAMED, CHUNK, HELD>(dQkv, dOut, logSumExp, delta, qkv, ATTENTION_SHAPE,                        \
                                                        QuadDropout(state, site, p, keptScale));                                    \
  }

// The small instances are for GPUs whose multiprocessors cannot run two blocks of the others.
ATTENTION_MMA_FORWARD(d32, 32, 2, 64, 64, 3)
ATTENTION_MMA_FORWARD(d64, 64, 2, 64, 64, 2)
ATTENTION_MMA_FORWARD(d128, 128, 1, 64, 64, 2)
ATTENTION_MMA_FORWARD(d128_small, 128, 1, 32, 32, 2)
ATTENTION_MMA_FORWARD_DROPOUT(d32, 32, 2, 64, 16, 3)
ATTENTION_MMA_FORWARD_DROPOUT(d64, 64, 2, 64, 32, 2)
ATTENTION_MMA_FORWARD_DROPOUT(d128, 128, 1, 64, 64, 2)
ATTENTION_MMA_FORWARD_DROPOUT(d128_small, 128, 1, 32, 32, 2)

ATTENTION_MMA_QUERIES(d32, 32, 2, 64, 16, 3)
ATTENTION_MMA_QUERIES(d64, 64, 2, 64, 32, 2)
ATTENTION_MMA_QUERIES(d64_small, 64, 1, 64, 32, 2)
ATTENTION_MMA_QUERIES(d128, 128, 1, 32, 32, 2)
ATTENTION_MMA_QUERIES(d128_small, 128, 1, 16, 16, 2)
ATTENTION_MMA_QUERIES_DROPOUT(d32, 32, 2, 64, 16, 3)
ATTENTION_MMA_QUERIES_DROPOUT(d64, 64, 2, 64, 32, 2)
ATTENTION_MMA_QUERIES_DROPOUT(d64_small, 64, 1, 64, 32, 2)
ATTENTION_MMA_QUERIES_DROPOUT(d128, 128, 1, 32, 32, 2)
ATTENTION_MMA_QUERIES_DROPOUT(d128_small, 128, 1, 16, 16, 2)

ATTENTION_MMA_KEYS(d32, 32, 2, 64, 32, false, 3)
ATTENTION_MMA_KEYS(d64, 64, 2, 64, 32, false, 2)
ATTENTION_MMA_KEYS(d64_small, 64, 1, 64, 32, true, 2)
ATTENTION_MMA_KEYS(d128, 128, 1, 32, 16, true, 2)
ATTENTION_MMA_KEYS_DROPOUT(d32, 32, 2, 64, 16, false, 3)
ATTENTION_MMA_KEYS_DROPOUT(d64, 64, 2, 64, 32, false, 2)
ATTENTION_MMA_KEYS_DROPOUT(d64_small, 64, 1, 64, 32, true, 2)
ATTENTION_MMA_KEYS_DROPOUT(d128, 128, 1, 32, 16, true, 2)
