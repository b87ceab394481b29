// Attention of bf16 on tensor cores: what attention.cu does, for head sizes that are a multiple of 8, up to 128.
//
// Forward (Dao, "FlashAttention-2", 2023): a block has 64 queries, 16 a warp, whose Q stays in registers. Keys and values come
// in tiles of 64 by asynchronous copies, a tile ahead, into swizzled shared memory. S = Q Kᵀ, its softmax and O += P V happen
// in the fragments of mma.m16n8k16: the probabilities that a product leaves are the next one's operand.
//
// Backward: a block owns 64 rows, 16 a warp, and streams the others past. Owning queries it adds up dQ = dS K, owning keys
// dV = Pᵀ dO and dK = dSᵀ Q, with P and dS = P ∘ (dO Vᵀ − δ) computed again from the saved log-sum-exp. Two passes instead of
// one with atomics: two of seven products twice, and the result is the same each time.
//
// Tiles that the causal mask hides are skipped; those that it cuts, and the last one, are masked element by element.
// A head smaller than the instance (32, 64 or 128) is filled up with zeros. Bytes and FLOPs as in attention.cu.
#include "attention.cuh"
#include "mma.cuh"

namespace culebra {

constexpr int MMA_WARPS = 4;
constexpr int MMA_THREADS = MMA_WARPS * WARP;
/** Rows of a block, and of a warp. */
constexpr int OWNED_ROWS = 64;
constexpr int WARP_ROWS = 16;
constexpr float LOG2_E = 1.4426950408889634f;
constexpr float LN_2 = 0.6931471805599453f;

extern __shared__ __align__(16) unsigned char attentionMmaShared[];

/** Begins to copy ROWS rows from `first` on, D wide; what is behind the last row or column becomes 0. */
template <int D, int ROWS>
__device__ __forceinline__ void copyTile(SwizzledTile<D> tile, HeadRows<const bf16> rows, int first, int time, int size) {
  constexpr int CHUNKS = SwizzledTile<D>::CHUNKS;
  for (int i = threadIdx.x; i < ROWS * CHUNKS; i += MMA_THREADS) {
    const int row = i / CHUNKS, chunk = i % CHUNKS;
    const bool valid = first + row < time && chunk * SwizzledTile<D>::CHUNK < size;
    copyAsync(tile.at(row, chunk), valid ? rows.row(first + row) + chunk * SwizzledTile<D>::CHUNK : rows.base, valid);
  }
}

/** Two tiles that come together, twice: one pair is worked on while the other arrives. */
template <int D, int ROWS>
struct TilePairs {
  bf16* base;
  HeadRows<const bf16> first, second;
  int time, size;

  __device__ __forceinline__ SwizzledTile<D> firstTile(int buffer) const { return {base + 2 * buffer * ROWS * D}; }
  __device__ __forceinline__ SwizzledTile<D> secondTile(int buffer) const { return {base + (2 * buffer + 1) * ROWS * D}; }

  __device__ __forceinline__ void copy(int buffer, int row) const {
    copyTile<D, ROWS>(firstTile(buffer), first, row, time, size);
    copyTile<D, ROWS>(secondTile(buffer), second, row, time, size);
    commitCopies();
  }

  /** body(first tile, second tile, row) for the tiles from `begin` to `end`, each after its copies have landed. */
  template <typename Body>
  __device__ __forceinline__ void forEach(int begin, int end, Body body) const {
    copy(0, begin);
    int buffer = 0;
    for (int row = begin; row < end; row += ROWS) {
      if (row + ROWS < end) {
        copy(1 - buffer, row + ROWS);
        waitForCopies<1>();
      } else {
        waitForCopies<0>();
      }
      __syncthreads();
      body(firstTile(buffer), secondTile(buffer), row);
      __syncthreads();  // all have read it before it is filled again
      buffer = 1 - buffer;
    }
  }
};

/** blocks[n] += rows of the warp (A fragments) times 8 · n … 8 · n + 7 of the tile's rows, transposed. */
template <int D, int N>
__device__ __forceinline__ void multiplyTransposed(float (&blocks)[N][4], const uint32_t (&a)[D / 16][4],
                                                   SwizzledTile<D> tile) {
#pragma unroll
  for (int step = 0; step < D / 16; step++) {
#pragma unroll
    for (int n = 0; n < N; n += 2) {
      uint32_t b[4];
      tile.loadB(b, n * 8, step);
      mma(blocks[n], a[step], b[0], b[1]);
      mma(blocks[n + 1], a[step], b[2], b[3]);
    }
  }
}

/** The same with the A fragments read when they are needed. */
template <int D, int N>
__device__ __forceinline__ void multiplyTransposed(float (&blocks)[N][4], SwizzledTile<D> owned, int firstRow,
                                                   SwizzledTile<D> tile) {
#pragma unroll
  for (int step = 0; step < D / 16; step++) {
    uint32_t a[4];
    owned.loadA(a, firstRow, step);
#pragma unroll
    for (int n = 0; n < N; n += 2) {
      uint32_t b[4];
      tile.loadB(b, n * 8, step);
      mma(blocks[n], a, b[0], b[1]);
      mma(blocks[n + 1], a, b[2], b[3]);
    }
  }
}

/** sums (16, D) += weights (16, 8 · N), rounded to bf16, times the tile (8 · N, D). */
template <int D, int N>
__device__ __forceinline__ void multiplyInto(float (&sums)[D / 8][4], const float (&weights)[N][4], SwizzledTile<D> tile) {
#pragma unroll
  for (int n = 0; n < N; n += 2) {
    const uint32_t a[4] = {bf16Pair(weights[n][0], weights[n][1]), bf16Pair(weights[n][2], weights[n][3]),
                           bf16Pair(weights[n + 1][0], weights[n + 1][1]), bf16Pair(weights[n + 1][2], weights[n + 1][3])};
#pragma unroll
    for (int part = 0; part < D / 16; part++) {
      uint32_t b[4];
      tile.loadRowsAsB(b, n * 8, part);
      mma(sums[2 * part], a, b[0], b[1]);
      mma(sums[2 * part + 1], a, b[2], b[3]);
    }
  }
}

/** Row first + g of the fragment's blocks from d[0], d[1], row first + g + 8 from d[2], d[3], each times its factor. */
template <int D>
__device__ __forceinline__ void storeBlocks(HeadRows<bf16> rows, const float (&blocks)[D / 8][4], float upper, float lower,
                                            int first, int time, int size) {
  const int lane = threadIdx.x % WARP;
  const int row = first + lane / 4;
#pragma unroll
  for (int n = 0; n < D / 8; n++) {
    const int column = n * 8 + lane % 4 * 2;
    if (n * 8 >= size) break;
    if (row < time) {
      *reinterpret_cast<uint32_t*>(rows.row(row) + column) = bf16Pair(blocks[n][0] * upper, blocks[n][1] * upper);
    }
    if (row + 8 < time) {
      *reinterpret_cast<uint32_t*>(rows.row(row + 8) + column) = bf16Pair(blocks[n][2] * lower, blocks[n][3] * lower);
    }
  }
}

/** Which query and key element i of block n of a fragment stands for; the warp's rows are queries, or keys. */
template <bool ROWS_ARE_KEYS>
struct Positions {
  int firstRow, firstColumn;

  __device__ __forceinline__ int row(int i) const { return firstRow + threadIdx.x % WARP / 4 + i / 2 * 8; }
  __device__ __forceinline__ int column(int n, int i) const { return firstColumn + n * 8 + threadIdx.x % 4 * 2 + i % 2; }
  __device__ __forceinline__ int query(int n, int i) const { return ROWS_ARE_KEYS ? column(n, i) : row(i); }
  __device__ __forceinline__ int key(int n, int i) const { return ROWS_ARE_KEYS ? row(i) : column(n, i); }

  __device__ __forceinline__ bool seen(int n, int i, const AttentionHead& a) const {
    return query(n, i) < a.time && key(n, i) < a.time && !(a.causal && key(n, i) > query(n, i));
  }
};

template <int D>
__device__ __forceinline__ void attentionMmaForward(bf16* out, float* logSumExp, const bf16* qkv, const AttentionHead& a,
                                                    const ProbabilityDropout& dropout) {
  constexpr int KEYS = 64, BLOCKS = KEYS / 8;
  bf16* shared = reinterpret_cast<bf16*>(attentionMmaShared);
  const SwizzledTile<D> queries{shared};
  const TilePairs<D, KEYS> pairs{shared + OWNED_ROWS * D, a.packed(qkv, 1), a.packed(qkv, 2), a.time, a.size};
  const int firstQuery = (gridDim.x - 1 - blockIdx.x) * OWNED_ROWS;  // the longest rows first
  const int firstRow = firstQuery + threadIdx.x / WARP * WARP_ROWS;
  const int64_t element = a.firstElement();
  copyTile<D, OWNED_ROWS>(queries, a.packed(qkv, 0), firstQuery, a.time, a.size);
  commitCopies();
  waitForCopies<0>();
  __syncthreads();
  uint32_t q[D / 16][4];
#pragma unroll
  for (int step = 0; step < D / 16; step++) queries.loadA(q[step], firstRow - firstQuery, step);

  const float scale = a.scale * LOG2_E;  // powers of 2 are what the hardware has
  float maximum[2] = {-LARGEST, -LARGEST}, sum[2] = {}, output[D / 8][4] = {};
  const int end = a.causal ? min(a.time, firstQuery + OWNED_ROWS) : a.time;
  pairs.forEach(0, end, [&](SwizzledTile<D> keys, SwizzledTile<D> values, int firstKey) {
    float p[BLOCKS][4] = {};
    multiplyTransposed<D>(p, q, keys);
    const Positions<false> at{firstRow, firstKey};
    const bool cut = firstKey + KEYS > a.time || (a.causal && firstKey + KEYS > firstRow);
    float higher[2] = {maximum[0], maximum[1]};
#pragma unroll
    for (int n = 0; n < BLOCKS; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        if (cut && (at.key(n, i) >= a.time || (a.causal && at.key(n, i) > at.query(n, i)))) p[n][i] = -LARGEST;
        else p[n][i] *= scale;
        higher[i / 2] = fmaxf(higher[i / 2], p[n][i]);
      }
    }
    float shrink[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {  // the four lanes of a row
      higher[half] = fmaxf(higher[half], __shfl_xor_sync(ALL_LANES, higher[half], 1));
      higher[half] = fmaxf(higher[half], __shfl_xor_sync(ALL_LANES, higher[half], 2));
      shrink[half] = exp2f(maximum[half] - higher[half]);
      maximum[half] = higher[half];
      sum[half] *= shrink[half];
    }
#pragma unroll
    for (int n = 0; n < BLOCKS; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        p[n][i] = exp2f(p[n][i] - maximum[i / 2]);
        sum[i / 2] += p[n][i];
      }
      if (dropout.p > 0) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          dropout.pair(p[n][2 * half], p[n][2 * half + 1], (element + at.query(n, 2 * half)) * a.time + at.key(n, 2 * half));
        }
      }
    }
#pragma unroll
    for (int n = 0; n < D / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) output[n][i] *= shrink[i / 2];
    }
    multiplyInto<D>(output, p, values);
  });

  const int lane = threadIdx.x % WARP;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    sum[half] += __shfl_xor_sync(ALL_LANES, sum[half], 1);
    sum[half] += __shfl_xor_sync(ALL_LANES, sum[half], 2);
    const int row = firstRow + lane / 4 + half * 8;
    if (lane % 4 == 0 && row < a.time) a.statistics(logSumExp)[row] = (maximum[half] + log2f(sum[half])) * LN_2;
  }
  storeBlocks<D>(a.plain(out), output, 1 / sum[0], 1 / sum[1], firstRow, a.time, a.size);
}

/** How many rows backward streams past at a time: as many as the registers allow. */
constexpr int streamedRows(int headSize) { return headSize <= 64 ? 64 : 32; }

/**
 * P and dS of one pair of tiles, in fragments whose rows are the warp's.
 *
 * @param p the scores, become the probabilities as dropout left them
 * @param dP dO · V, becomes dS without the factor 1 / √D
 */
template <bool ROWS_ARE_KEYS, int N>
__device__ __forceinline__ void scoreGradients(float (&p)[N][4], float (&dP)[N][4], Positions<ROWS_ARE_KEYS> at,
                                               const float* logSumExp, const float* delta, const AttentionHead& a,
                                               const ProbabilityDropout& dropout) {
  const float scale = a.scale * LOG2_E;
  const int64_t element = a.firstElement();
#pragma unroll
  for (int n = 0; n < N; n++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const bool seen = at.seen(n, i, a);
      const int query = at.query(n, i);
      const float exact = seen ? exp2f(p[n][i] * scale - logSumExp[query] * LOG2_E) : 0;
      const float factor =
          seen && dropout.p > 0 ? dropout.factor((element + query) * a.time + at.key(n, i)) : 1;
      p[n][i] = exact * factor;
      dP[n][i] = seen ? exact * (dP[n][i] * factor - delta[query]) : 0;
    }
  }
}

/** dQ: the warp's rows are queries. */
template <int D, int KEYS = streamedRows(D)>
__device__ __forceinline__ void attentionMmaBackwardQueries(bf16* dQkv, const bf16* dOut, const float* logSumExp,
                                                            const float* delta, const bf16* qkv, const AttentionHead& a,
                                                            const ProbabilityDropout& dropout) {
  bf16* shared = reinterpret_cast<bf16*>(attentionMmaShared);
  const SwizzledTile<D> queries{shared}, gradients{shared + OWNED_ROWS * D};
  const TilePairs<D, KEYS> pairs{shared + 2 * OWNED_ROWS * D, a.packed(qkv, 1), a.packed(qkv, 2), a.time, a.size};
  const int firstQuery = (gridDim.x - 1 - blockIdx.x) * OWNED_ROWS;
  const int ownRow = threadIdx.x / WARP * WARP_ROWS;
  copyTile<D, OWNED_ROWS>(queries, a.packed(qkv, 0), firstQuery, a.time, a.size);
  copyTile<D, OWNED_ROWS>(gradients, a.plain(dOut), firstQuery, a.time, a.size);
  float dQ[D / 8][4] = {};
  const int end = a.causal ? min(a.time, firstQuery + OWNED_ROWS) : a.time;
  pairs.forEach(0, end, [&](SwizzledTile<D> keys, SwizzledTile<D> values, int firstKey) {
    float p[KEYS / 8][4] = {}, dS[KEYS / 8][4] = {};
    multiplyTransposed<D>(p, queries, ownRow, keys);
    multiplyTransposed<D>(dS, gradients, ownRow, values);
    scoreGradients(p, dS, Positions<false>{firstQuery + ownRow, firstKey}, a.statistics(logSumExp), a.statistics(delta), a,
                   dropout);
    multiplyInto<D>(dQ, dS, keys);
  });
  storeBlocks<D>(a.packed(dQkv, 0), dQ, a.scale, a.scale, firstQuery + ownRow, a.time, a.size);
}

/** dK and dV: the warp's rows are keys. */
template <int D, int QUERIES = streamedRows(D)>
__device__ __forceinline__ void attentionMmaBackwardKeys(bf16* dQkv, const bf16* dOut, const float* logSumExp,
                                                         const float* delta, const bf16* qkv, const AttentionHead& a,
                                                         const ProbabilityDropout& dropout) {
  bf16* shared = reinterpret_cast<bf16*>(attentionMmaShared);
  const SwizzledTile<D> keys{shared}, values{shared + OWNED_ROWS * D};
  const TilePairs<D, QUERIES> pairs{shared + 2 * OWNED_ROWS * D, a.packed(qkv, 0), a.plain(dOut), a.time, a.size};
  const int firstKey = blockIdx.x * OWNED_ROWS;
  const int ownRow = threadIdx.x / WARP * WARP_ROWS;
  copyTile<D, OWNED_ROWS>(keys, a.packed(qkv, 1), firstKey, a.time, a.size);
  copyTile<D, OWNED_ROWS>(values, a.packed(qkv, 2), firstKey, a.time, a.size);
  float dK[D / 8][4] = {}, dV[D / 8][4] = {};
  pairs.forEach(a.causal ? firstKey : 0, a.time, [&](SwizzledTile<D> queries, SwizzledTile<D> gradients, int firstQuery) {
    float p[QUERIES / 8][4] = {}, dS[QUERIES / 8][4] = {};
    multiplyTransposed<D>(p, keys, ownRow, queries);
    multiplyTransposed<D>(dS, values, ownRow, gradients);
    scoreGradients(p, dS, Positions<true>{firstKey + ownRow, firstQuery}, a.statistics(logSumExp), a.statistics(delta), a,
                   dropout);
    multiplyInto<D>(dV, p, gradients);
    multiplyInto<D>(dK, dS, queries);
  });
  storeBlocks<D>(a.packed(dQkv, 1), dK, a.scale, a.scale, firstKey + ownRow, a.time, a.size);
  storeBlocks<D>(a.packed(dQkv, 2), dV, 1, 1, firstKey + ownRow, a.time, a.size);
}

}  // namespace culebra

using namespace culebra;

#define ATTENTION_MMA(D)                                                                                               \
  /** As attention_forward_bf16; size is a multiple of 8, at most D; rows begin at multiples of 16 bytes. */           \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS)                                                            \
      attention_mma_forward_d##D##_bf16(bf16* out, float* logSumExp, const bf16* qkv, int time, int heads, int size,   \
                                        int causal, const int* state, int site, float p, float keptScale) {            \
    attentionMmaForward<D>(out, logSumExp, qkv, AttentionHead(heads, time, size, causal),                              \
                           ProbabilityDropout{state, site, p, keptScale});                                             \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS)                                                            \
      attention_mma_backward_queries_d##D##_bf16(bf16* dQkv, const bf16* dOut, const float* logSumExp,                 \
                                                 const float* delta, const bf16* qkv, int time, int heads, int size,   \
                                                 int causal, const int* state, int site, float p, float keptScale) {   \
    attentionMmaBackwardQueries<D>(dQkv, dOut, logSumExp, delta, qkv, AttentionHead(heads, time, size, causal),        \
                                   ProbabilityDropout{state, site, p, keptScale});                                     \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(MMA_THREADS)                                                            \
      attention_mma_backward_keys_d##D##_bf16(bf16* dQkv, const bf16* dOut, const float* logSumExp,                    \
                                              const float* delta, const bf16* qkv, int time, int heads, int size,      \
                                              int causal, const int* state, int site, float p, float keptScale) {      \
    attentionMmaBackwardKeys<D>(dQkv, dOut, logSumExp, delta, qkv, AttentionHead(heads, time, size, causal),           \
                                ProbabilityDropout{state, site, p, keptScale});                                        \
  }

ATTENTION_MMA(32)
ATTENTION_MMA(64)
ATTENTION_MMA(128)
