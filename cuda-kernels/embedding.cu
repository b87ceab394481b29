// Embedding: the sum of a token's and a position's row, and the gradients of both tables, without float atomics.
//
//   forward   out[r] = tokenTable[tokens[r]] + positionTable[offset + r % T]
//   backward  dTokenTable[tokens[r]] += dOut[r],  dPositionTable[r % T] += dOut[r]
//
// Backward sorts the N = B·T rows by token (stable, so that each token's rows keep their order), 8 bits of the token per
// pass. A pass is one launch: each block counts the digits of all rows itself, which is cheaper than waiting for other
// blocks as long as N is at most some 100 thousand. Then one block per CHUNK sorted rows adds up runs of equal tokens. A
// run inside one chunk goes straight to the table; the parts of a longer run are stored as partial rows, which the last
// kernel adds up in order. Work is balanced for any tokens.
//
// Bytes, elements of s bytes, D different tokens: forward 2·N·C·s + N·4 (the tables' rows come from the L2 cache where
// they repeat); backward 2·N·C·s (tokens, then positions; the second mostly from the L2 cache) + 8·(D + T)·C.
// A token outside the table makes its row NaN and passes on no gradient, since kernels cannot throw; backward treats all
// such tokens as the token `vocab`.
#include "tokensort.cuh"

namespace culebra {

/** Sorted rows per block of the token gradient. */
constexpr int CHUNK = 32;

// ---- forward --------------------------------------------------------------------------------------------------------

/** One thread per pack; positions is null or has positionRows rows. */
template <typename T, int V>
__device__ __forceinline__ void embeddingForward(T* out, const int* tokens, const T* tokenTable, const T* positionTable,
                                                 const int* offset, int rows, int time, int columns, int vocab,
                                                 int positionRows) {
  const int first = offset == nullptr ? 0 : *offset;
  for (int row = firstRow(); row < rows; row += rowStride()) {
    const int token = tokens[row];
    const int position = first + row % time;
    const bool valid = token >= 0 && token < vocab &&
                       (positionTable == nullptr || (position >= 0 && position < positionRows));
    for (int column = threadIdx.x * V; column < columns; column += blockDim.x * V) {
      Pack<T, V> x;
      if (valid) {
        x = load<V>(tokenTable + static_cast<int64_t>(token) * columns + column);
        if (positionTable != nullptr) {
          const auto y = load<V>(positionTable + static_cast<int64_t>(position) * columns + column);
#pragma unroll
          for (int i = 0; i < V; i++) x.set(i, x[i] + y[i]);
        }
      } else {
#pragma unroll
        for (int i = 0; i < V; i++) x.set(i, notANumber());
      }
      store<V>(out + static_cast<int64_t>(row) * columns + column, x);
    }
  }
}

// ---- gradient of the token table ------------------------------------------------------------------------------------

/** to[i] += sums[i]. */
template <int V>
__device__ __forceinline__ void addTo(float* to, const float (&sums)[V]) {
  auto x = load<V>(to);
#pragma unroll
  for (int i = 0; i < V; i++) x.set(i, x[i] + sums[i]);
  store<V>(to, x);
}

template <int V>
__device__ __forceinline__ void write(float* to, const float (&sums)[V]) {
  Pack<float, V> x;
#pragma unroll
  for (int i = 0; i < V; i++) x.set(i, sums[i]);
  store<V>(to, x);
}

/**
 * Adds up the runs of equal tokens among the sorted rows of a chunk. partials (chunks, 2, columns): [0] is the chunk's
 * part of a run that started in an earlier chunk, [1] of a run that starts here and continues in the next; a part that
 * does not exist is not written.
 */
template <typename T, int V>
__device__ __forceinline__ void sumRuns(float* dTokenTable, float* partials, const T* dOut, const int* sorted,
                                        const int* tokens, int rows, int columns, int vocab) {
  // Places 0 and CHUNK + 1 are the neighbours' tokens, -1 if there are none.
  __shared__ int chunkRows[CHUNK];
  __shared__ int chunkTokens[CHUNK + 2];
  const int start = blockIdx.x * CHUNK;
  const int count = min(CHUNK, rows - start);
  for (int i = threadIdx.x; i < CHUNK + 2; i += blockDim.x) {
    const int place = start - 1 + i;
    const int row = place >= 0 && place < rows ? sorted[place] : -1;
    chunkTokens[i] = row < 0 ? -1 : tokenOf(tokens, row, vocab);
    if (i >= 1 && i <= CHUNK) chunkRows[i - 1] = row;
  }
  __syncthreads();
  float* const ofChunk = partials + static_cast<int64_t>(blockIdx.x) * 2 * columns;
  for (int column = threadIdx.x * V; column < columns; column += blockDim.x * V) {
    float sums[V] = {};
    bool beganBefore = chunkTokens[0] == chunkTokens[1];
    for (int first = 0; first < count; first += AHEAD) {
      Pack<T, V> d[AHEAD];
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        const int place = min(first + i, count - 1);
        d[i] = load<V>(dOut + static_cast<int64_t>(chunkRows[place]) * columns + column);
      }
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        const int place = first + i;
        if (place >= count) break;
#pragma unroll
        for (int j = 0; j < V; j++) sums[j] += d[i][j];
        const int token = chunkTokens[place + 1];
        const bool goesOn = token == chunkTokens[place + 2];
        if (goesOn && place + 1 < count) continue;
        if (beganBefore) {
          write<V>(ofChunk + column, sums);
        } else if (goesOn) {
          write<V>(ofChunk + columns + column, sums);
        } else if (token < vocab) {
          addTo<V>(dTokenTable + static_cast<int64_t>(token) * columns + column, sums);
        }
        beganBefore = false;
#pragma unroll
        for (int j = 0; j < V; j++) sums[j] = 0;
      }
    }
  }
}

/** If a run starts in a chunk and continues in the next, the block of the first chunk adds up its partial rows. */
template <int V>
__device__ __forceinline__ void addPartials(float* dTokenTable, const float* partials, const int* sorted,
                                            const int* tokens, int rows, int columns, int vocab) {
  auto tokenAt = [&](int place) { return place < 0 || place >= rows ? -1 : tokenOf(tokens, sorted[place], vocab); };
  const int chunk = blockIdx.x;
  const int next = (chunk + 1) * CHUNK;  // where the next chunk starts
  const int token = tokenAt(next);
  const bool goesOn = token >= 0 && token == tokenAt(next - 1);
  const bool beganBefore = tokenAt(chunk * CHUNK) == token && tokenAt(chunk * CHUNK - 1) == token;
  if (!goesOn || beganBefore || token == vocab) return;
  // Finds the last place of the run, in [low, high): each warp splits the remaining range into 32 parts at a time.
  int low = next, high = rows;
  while (high - low > 1) {
    const int part = (high - low + WARP - 1) / WARP;
    const int place = low + static_cast<int>(threadIdx.x % WARP) * part;
    const int parts = __popc(__ballot_sync(ALL_LANES, place < high && tokenAt(place) == token));  // parts that start in the run
    low += (parts - 1) * part;
    high = min(high, low + part);
  }
  const int end = low / CHUNK;
  for (int column = threadIdx.x * V; column < columns; column += blockDim.x * V) {
    const float* partial = partials + static_cast<int64_t>(chunk) * 2 * columns + columns + column;
    auto sum = load<V>(partial);
#pragma unroll 8
    for (int other = chunk + 1; other <= end; other++) {
      const auto x = load<V>(partials + static_cast<int64_t>(other) * 2 * columns + column);
#pragma unroll
      for (int i = 0; i < V; i++) sum.set(i, sum[i] + x[i]);
    }
    float sums[V];
#pragma unroll
    for (int i = 0; i < V; i++) sums[i] = sum[i];
    addTo<V>(dTokenTable + static_cast<int64_t>(token) * columns + column, sums);
  }
}

// ---- gradient of the position table ---------------------------------------------------------------------------------

/** dPositionTable[t] += Σ over b of dOut[b, t]; one thread per pack of the table. */
template <typename T, int V>
__device__ __forceinline__ void sumPositions(float* dPositionTable, const T* dOut, int batch, int time, int columns) {
  const int64_t ofBatch = static_cast<int64_t>(time) * columns;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x * V;
  for (int64_t at = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * V; at < ofBatch; at += stride) {
    float sums[V] = {};
    for (int first = 0; first < batch; first += AHEAD) {
      Pack<T, V> d[AHEAD];
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        if (first + i < batch) d[i] = loadOnce<V>(dOut + (first + i) * ofBatch + at);
      }
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        if (first + i >= batch) break;
#pragma unroll
        for (int j = 0; j < V; j++) sums[j] += d[i][j];
      }
    }
    addTo<V>(dPositionTable + at, sums);
  }
}

}  // namespace culebra

using namespace culebra;

#define EMBEDDING(T, SUFFIX)                                                                                          \
  /** positionTable and offset may be null. */                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                                   \
      embedding_forward_##SUFFIX(T* out, const int* tokens, const T* tokenTable, const T* positionTable,              \
                                 const int* offset, int rows, int time, int columns, int vocab, int positionRows) {   \
    if (columns % PACK<T> == 0 && aligned(out, tokenTable, positionTable)) {                                          \
      embeddingForward<T, PACK<T>>(out, tokens, tokenTable, positionTable, offset, rows, time, columns, vocab,        \
                                   positionRows);                                                                     \
    } else {                                                                                                          \
      embeddingForward<T, 1>(out, tokens, tokenTable, positionTable, offset, rows, time, columns, vocab,              \
                             positionRows);                                                                           \
    }                                                                                                                 \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(256)                                                                   \
      embedding_sum_runs_##SUFFIX(float* dTokenTable, float* partials, const T* dOut, const int* sorted,              \
                                  const int* tokens, int rows, int columns, int vocab) {                              \
    if (columns % PACK<T> == 0 && aligned(dTokenTable, partials, dOut)) {                                             \
      sumRuns<T, PACK<T>>(dTokenTable, partials, dOut, sorted, tokens, rows, columns, vocab);                         \
    } else {                                                                                                          \
      sumRuns<T, 1>(dTokenTable, partials, dOut, sorted, tokens, rows, columns, vocab);                               \
    }                                                                                                                 \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(256, 4)                                                                \
      embedding_sum_positions_##SUFFIX(float* dPositionTable, const T* dOut, int batch, int time, int columns) {      \
    if (columns % PACK<T> == 0 && aligned(dPositionTable, dOut)) {                                                    \
      sumPositions<T, PACK<T>>(dPositionTable, dOut, batch, time, columns);                                           \
    } else {                                                                                                          \
      sumPositions<T, 1>(dPositionTable, dOut, batch, time, columns);                                                 \
    }                                                                                                                 \
  }

EMBEDDING(float, f32)
EMBEDDING(bf16, bf16)

/** sorted (rows) = the rows at the places of order, stably by 8 bits of their token; order is null in the first pass. */
extern "C" __global__ void __launch_bounds__(SORT_THREADS)
    embedding_sort_i32(int* sorted, const int* order, const int* tokens, int rows, int vocab, int shift) {
  sortPass(sorted, order, tokens, rows, vocab, shift);
}

extern "C" __global__ void __launch_bounds__(256)
    embedding_add_partials_f32(float* dTokenTable, const float* partials, const int* sorted, const int* tokens,
                               int rows, int columns, int vocab) {
  if (columns % PACK<float> == 0 && aligned(dTokenTable, partials)) {
    addPartials<PACK<float>>(dTokenTable, partials, sorted, tokens, rows, columns, vocab);
  } else {
    addPartials<1>(dTokenTable, partials, sorted, tokens, rows, columns, vocab);
  }
}
