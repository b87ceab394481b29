// Hopper's instructions with operands and fragments laid out by the PTX ISA's formulas, element by element.
// in: numbers 0 to 255; out: 64 results. One block.
// target compute_90a
#include "../../../cuda-kernels/hopper.cuh"

using namespace culebra;

#define KERNEL(name) extern "C" __global__ void __launch_bounds__(WARPGROUP) name(float* out, const float* in, int flag)

extern __shared__ __align__(1024) unsigned char hopperTiles[];

namespace {

constexpr int K = 64;

/** Element (row, column) of a tile in panels of 64 columns, rows of 128 bytes, swizzled. */
__device__ __forceinline__ bf16& element(unsigned char* tile, int rows, int row, int column) {
  const int chunk = column % 64 / 8 ^ row % 8;
  return reinterpret_cast<bf16*>(tile + column / 64 * rows * 128 + row * 128 + chunk * 16)[column % 8];
}

__device__ __forceinline__ float elementOfA(const float* in, int m, int k) { return static_cast<int>(in[(m * 5 + k * 3) % 256]) % 7; }
__device__ __forceinline__ float elementOfB(const float* in, int k, int n) { return static_cast<int>(in[(k * 7 + n * 11) % 256]) % 5 - 2; }

/** D (64, N) = A (64, 64) · B (64, N), + 1 if ADD; out[c] = sum over the rows r of (r + 1) D[r][columns + c]. */
template <int N, Major B, bool REGISTERS>
__device__ __forceinline__ void multiplied(float* out, const float* in, bool add, int columns) {
  unsigned char *a = hopperTiles, *b = hopperTiles + 64 * 128;
  const int thread = threadIdx.x, lane = thread % WARP, row = thread / WARP * 16 + lane / 4;
  for (int i = thread; i < 64 * K; i += WARPGROUP) element(a, 64, i / K, i % K) = __float2bfloat16(elementOfA(in, i / K, i % K));
  for (int i = thread; i < K * N; i += WARPGROUP) {
    const int k = i / N, n = i % N;
    (B == Major::K ? element(b, N, n, k) : element(b, K, k, n)) = __float2bfloat16(elementOfB(in, k, n));
  }
  if (thread < 64) out[thread] = 0;
  fenceAsyncProxy();
  __syncthreads();

  float d[N / 2];
  uint32_t fragments[K / 16][4];
  for (int i = 0; i < N / 2; i++) d[i] = 1;
  for (int step = 0; step < K / 16; step++) {
    for (int i = 0; i < 4; i++) {  // ISA: rows g and g + 8, columns 2t, 2t + 1 of the first eight, then of the second
      const int m = row + i % 2 * 8, k = step * 16 + i / 2 * 8 + lane % 4 * 2;
      fragments[step][i] = bf16Pair(elementOfA(in, m, k), elementOfA(in, m, k + 1));
    }
  }
  const uint32_t operandOfA = operand(sharedAddress(a)), operandOfB = operand(sharedAddress(b), K * 128);
  fenceProducts();
#pragma unroll
  for (int step = 0; step < K / 16; step++) {
    const uint64_t right = descriptor(operandOfB + (B == Major::K ? step * 2 : step * 128));
    if constexpr (REGISTERS) {
      multiply<B>(d, fragments[step], right, step > 0 || add);
    } else {
      multiply<B>(d, descriptor(operandOfA + step * 2), right, step > 0 || add);
    }
  }
  commitProducts();
  waitForProducts<0>();
  pin(d);
  for (int i = 0; i < N / 2; i++) {  // ISA: d[4j + i], row g + 8 (i / 2), column 8j + 2t + i % 2
    const int r = row + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2 - columns;
    if (column >= 0 && column < 64) atomicAdd(&out[column], (r + 1) * d[i]);  // whole numbers: the order does not matter
  }
}

template <int N>
__device__ __forceinline__ void multiplied(float* out, const float* in, int flag) {
  const bool add = flag & 4;
  const int columns = flag & 8 ? 64 : 0;
  switch (flag & 3) {
    case 0: return multiplied<N, Major::K, false>(out, in, add, columns);
    case 1: return multiplied<N, Major::MN, false>(out, in, add, columns);
    case 2: return multiplied<N, Major::K, true>(out, in, add, columns);
    default: return multiplied<N, Major::MN, true>(out, in, add, columns);
  }
}

}  // namespace

/** flag: 1: B MN-major; 2: A in registers; 4: D is added to; 8: columns 64 … of D. */
KERNEL(wgmma_n64) { multiplied<64>(out, in, flag); }
KERNEL(wgmma_n128) { multiplied<128>(out, in, flag); }

/**
 * One warp. Each lane provides the pairs that it would get from ldmatrix for four 8 × 8 matrices of numbers 0 to 255; out:
 * matrix flag / 2 as stored, row by row; flag odd: transposed.
 */
KERNEL(stmatrix_x4) {
  bf16* matrices = reinterpret_cast<bf16*>(hopperTiles);
  const int lane = threadIdx.x;
  uint32_t pairs[4];
  for (int j = 0; j < 4; j++) {
    const int first = j * 64 + lane / 4 * 8 + lane % 4 * 2;
    pairs[j] = bf16Pair(in[first], in[first + 1]);
  }
  const saddr row = sharedAddress(matrices + lane * 8);
  if (flag & 1) {
    storeMatrices<true>(row, pairs[0], pairs[1], pairs[2], pairs[3]);
  } else {
    storeMatrices(row, pairs[0], pairs[1], pairs[2], pairs[3]);
  }
  __syncwarp();
  for (int i = lane; i < 64; i += WARP) out[i] = __bfloat162float(matrices[flag / 2 * 64 + i]);
}

/**
 * 4 blocks take 64 items from a counter and pass on a sum in turns: item i adds i + 1 after item i − 1. out[i] = the sum before
 * item i, or, if the flag is set, 1 + the block that did it.
 */
KERNEL(turns) {
  __shared__ uint64_t barrier;
  __shared__ int item;
  int *const counter = reinterpret_cast<int*>(out + 1000), *const turn = counter + 1;  // both 0 at first
  float* const sum = out + 900;
  if (threadIdx.x == 0) initBarrier(sharedAddress(&barrier), 1);
  fenceBarriers();
  __syncthreads();
  for (int phase = 0;; phase ^= 1) {
    if (threadIdx.x == 0) {
      item = atomicAdd(counter, 1);
      arrive(sharedAddress(&barrier));
    }
    waitFor(sharedAddress(&barrier), phase);
    const int mine = item;
    __syncthreads();
    if (mine >= 64) return;
    if (threadIdx.x == 0) {
      waitAcquire(turn, mine);
      const float before = mine == 0 ? 0 : loadRelaxed(sum).x;
      storeRelaxed(sum, before + mine + 1, 0, 0, 0);
      storeRelease(turn, mine + 1);
      out[mine] = flag ? blockIdx.x + 1 : before;
    }
  }
}
