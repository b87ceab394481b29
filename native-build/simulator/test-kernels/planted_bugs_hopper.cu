// Kernels with one bug each in the use of Hopper's instructions, as in planted_bugs.cu: 384 threads (3 warpgroups), 1 block and 48
// KB of dynamic shared memory unless stated otherwise.
// target compute_90a
#include "../../../cuda-kernels/hopper.cuh"

using namespace culebra;

extern __shared__ __align__(1024) unsigned char plantedTiles[];

// ptxas would notice some of the bugs itself, or fix them: for a device, a kernel is a stub, and its body is an uninstantiated
// template.
#ifdef CULEBRA_SIMULATOR
#define KERNEL(name) extern "C" __global__ void name(float* out, const float* in, int planted)
#else
#define KERNEL(name)                                                                                   \
  extern "C" __global__ void __launch_bounds__(384, 1) name(float* out, const float*, int) { out[0] = plantedTiles[0]; } \
  template <int>                                                                                       \
  __device__ void name##Simulated(float* out, const float* in, int planted)
#endif

constexpr int TILE = 64 * 128;  // bytes: 64 rows of 64 bf16

__device__ __forceinline__ int warpgroup() { return threadIdx.x / WARPGROUP; }
__device__ __forceinline__ bool firstLane() { return threadIdx.x % WARP == 0; }
__device__ __forceinline__ unsigned char* tile(int i) { return plantedTiles + i * TILE; }
__device__ __forceinline__ saddr barrier(int i) { return sharedAddress(plantedTiles + 5 * TILE + i * 8); }

__device__ __forceinline__ void initBarriers(int arrivals0, int arrivals1 = 1) {
  if (threadIdx.x == 0) initBarrier(barrier(0), arrivals0), initBarrier(barrier(1), arrivals1);
  fenceBarriers();
  __syncthreads();
}

/** The threads of a warpgroup write a tile, all of whose elements are `value`. */
__device__ __forceinline__ void fill(int i, float value) {
  const uint32_t pair = bf16Pair(value, value);
  for (int at = threadIdx.x % WARPGROUP * 16; at < TILE; at += WARPGROUP * 16) {
    *reinterpret_cast<uint4*>(tile(i) + at) = make_uint4(pair, pair, pair, pair);
  }
}

__device__ __forceinline__ void issue(float (&d)[32], int a, int b, int add = 0) {
  multiply<Major::K>(d, descriptor(operand(sharedAddress(tile(a)))), descriptor(operand(sharedAddress(tile(b)))), add);
}

/** d = tile a · tile b, 16 of K. */
__device__ __forceinline__ void product(float (&d)[32], int a, int b) {
  fenceProducts();
  issue(d, a, b);
  commitProducts();
  waitForProducts<0>();
}

__device__ __forceinline__ void give(float* out, const float (&d)[32]) {
  if (threadIdx.x < 64) out[threadIdx.x] = d[threadIdx.x % 32];
}

/** Tiles 0 and 1 of ones and twos, which wgmma may read. */
__device__ __forceinline__ void fillBoth() {
  fill(0, 1);
  fill(1, 2);
  fenceAsyncProxy();
  __syncthreads();
}

// ---- products: one warpgroup ----------------------------------------------------------------------------------------

KERNEL(products_without_wait) {
  float d[32];
  fillBoth();
  fenceProducts();
  issue(d, 0, 1);
  commitProducts();
  if (!planted) waitForProducts<0>();
  give(out, d);
  if (planted) waitForProducts<0>();
}

KERNEL(products_without_commit) {
  float d[32];
  fillBoth();
  fenceProducts();
  issue(d, 0, 1);
  if (!planted) commitProducts();
  waitForProducts<0>();
  give(out, d);
}

/** The wait leaves the newer group in flight. */
KERNEL(wait_for_too_few) {
  float d[32], e[32];
  fillBoth();
  fenceProducts();
  issue(d, 0, 0);
  commitProducts();
  issue(e, 0, 1);
  commitProducts();
  if (planted) {
    waitForProducts<1>();
  } else {
    waitForProducts<0>();
  }
  give(out, e);
  waitForProducts<0>();
}

KERNEL(sums_written_under_way) {
  float d[32] = {};
  fillBoth();
  fenceProducts();
  issue(d, 0, 1, 1);
  commitProducts();
  if (planted) d[5] = in[5];
  waitForProducts<0>();
  give(out, d);
}

KERNEL(fragments_written_under_way) {
  float d[32];
  uint32_t a[4] = {0, 0, 0, 0};
  fillBoth();
  fenceProducts();
  multiply<Major::K>(d, a, descriptor(operand(sharedAddress(tile(1)))), 0);
  commitProducts();
  if (planted) a[2] = 1;
  waitForProducts<0>();
  a[2] = 1;
  give(out, d);
  out[64 + threadIdx.x] = a[threadIdx.x % 4];
}

/** The sums are set to 0 after a wait, without a fence before the next product. */
KERNEL(products_without_fence) {
  float d[32];
  fillBoth();
  product(d, 0, 1);
  for (float& sum : d) sum = 0;
  if (!planted) fenceProducts();
  issue(d, 0, 1, 1);
  commitProducts();
  waitForProducts<0>();
  give(out, d);
}

KERNEL(stores_without_proxy_fence) {
  float d[32];
  fill(0, 1);
  fill(1, 2);
  if (!planted) fenceAsyncProxy();
  __syncthreads();
  product(d, 0, 1);
  give(out, d);
}

/** A fence covers only the writes before it. */
KERNEL(stores_behind_proxy_fence) {
  float d[32];
  fill(0, 1);
  if (planted) fenceAsyncProxy();
  fill(1, 2);
  if (!planted) fenceAsyncProxy();
  __syncthreads();
  product(d, 0, 1);
  give(out, d);
}

KERNEL(matrices_without_proxy_fence) {
  float d[32];
  fillBoth();
  const uint32_t pair = bf16Pair(3, 3);
  storeMatrices(sharedAddress(tile(0)) + threadIdx.x * 16, pair, pair, pair, pair);
  if (!planted) fenceAsyncProxy();
  __syncthreads();
  product(d, 0, 1);
  give(out, d);
}

KERNEL(operand_without_barrier) {
  float d[32];
  fill(0, 1);
  fill(1, 2);
  fenceAsyncProxy();
  if (!planted) __syncthreads();
  product(d, 0, 1);
  give(out, d);
}

KERNEL(operand_overwritten) {
  float d[32];
  fillBoth();
  fenceProducts();
  issue(d, 0, 1);
  commitProducts();
  if (planted) fill(1, 5);
  waitForProducts<0>();
  __syncthreads();
  fill(1, 5);
  give(out, d);
}

/** A warp's own wait does not cover the other warps' products. */
KERNEL(operand_overwritten_behind_own_wait) {
  float d[32];
  fillBoth();
  product(d, 0, 1);
  if (!planted) __syncthreads();
  fill(1, 5);
  give(out, d);
}

KERNEL(operand_misaligned) {
  float d[32];
  fillBoth();
  fenceProducts();
  const saddr b = sharedAddress(tile(1)) + (planted ? 256 : 0);
  multiply<Major::K>(d, descriptor(operand(sharedAddress(tile(0)))), descriptor(operand(b)), 0);
  commitProducts();
  waitForProducts<0>();
  give(out, d);
}

KERNEL(operand_over_the_end_of_its_rows) {
  float d[32];
  fillBoth();
  fenceProducts();
  const saddr b = sharedAddress(tile(1)) + (planted ? 112 : 96);
  multiply<Major::K>(d, descriptor(operand(sharedAddress(tile(0)))), descriptor(operand(b)), 0);
  commitProducts();
  waitForProducts<0>();
  give(out, d);
}

KERNEL(operand_without_swizzle) {
  float d[32];
  fillBoth();
  fenceProducts();
  const uint64_t b = descriptor(operand(sharedAddress(tile(1)))) & (planted ? ~(uint64_t{3} << 62) : ~uint64_t{0});
  multiply<Major::K>(d, descriptor(operand(sharedAddress(tile(0)))), b, 0);
  commitProducts();
  waitForProducts<0>();
  give(out, d);
}

KERNEL(operand_outside_of_shared_memory) {
  float d[32];
  fillBoth();
  fenceProducts();
  const saddr b = sharedAddress(tile(planted ? 6 : 1));
  multiply<Major::K>(d, descriptor(operand(sharedAddress(tile(0)))), descriptor(operand(b)), 0);
  commitProducts();
  waitForProducts<0>();
  give(out, d);
}

/** One warp issues an extra product. */
KERNEL(warps_issue_different_products) {
  float d[32];
  fillBoth();
  fenceProducts();
  issue(d, 0, 1);
  if (planted && threadIdx.x / WARP == 2) issue(d, 0, 1, 1);
  commitProducts();
  waitForProducts<0>();
  give(out, d);
}

KERNEL(a_warp_does_not_wait) {
  float d[32];
  fillBoth();
  fenceProducts();
  issue(d, 0, 1);
  commitProducts();
  if (planted && threadIdx.x / WARP == 2) return;
  waitForProducts<0>();
  give(out, d);
}

// ---- barriers: warpgroup 0 makes, warpgroups 1 and 2 use --------------------------------------------------------------

KERNEL(too_few_arrivals) {
  initBarriers(planted ? 5 : 4);
  if (warpgroup() == 0) {
    fill(0, 1);
    __syncwarp();
    if (firstLane()) arrive(barrier(0));
  } else {
    waitFor(barrier(0), 0);
    if (threadIdx.x < 192) out[threadIdx.x - 128] = tile(0)[threadIdx.x];
  }
}

KERNEL(wrong_parity) {
  initBarriers(4);
  if (warpgroup() == 0) {
    fill(0, 1);
    __syncwarp();
    if (firstLane()) arrive(barrier(0));
  } else {
    waitFor(barrier(0), planted);
    if (threadIdx.x < 192) out[threadIdx.x - 128] = tile(0)[threadIdx.x];
  }
}

/** Lane 0 arrives for its warp, whose other lanes may not have written yet. */
KERNEL(arrival_without_syncwarp) {
  initBarriers(4);
  if (warpgroup() == 0) {
    fill(0, 1);
    if (!planted) __syncwarp();
    if (firstLane()) arrive(barrier(0));
  } else {
    waitFor(barrier(0), 0);
    if (threadIdx.x < 192) out[threadIdx.x - 128] = tile(0)[threadIdx.x];
  }
}

KERNEL(barrier_not_initialised) {
  if (!planted) initBarriers(1);
  if (threadIdx.x == 0) arrive(barrier(0));
  waitFor(barrier(0), 0);
  if (threadIdx.x < 64) out[threadIdx.x] = in[threadIdx.x];
}

/** Others use it before they can know that it has been initialised. */
KERNEL(barrier_used_at_once) {
  if (threadIdx.x == 0) initBarrier(barrier(0), 384);
  if (!planted) __syncthreads();
  arrive(barrier(0));
  waitFor(barrier(0), 0);
  if (threadIdx.x < 64) out[threadIdx.x] = in[threadIdx.x];
}

KERNEL(barrier_overwritten) {
  initBarriers(1);
  if (threadIdx.x == 0) {
    if (planted) *reinterpret_cast<int*>(barrier(0)) = 7;
    arrive(barrier(0));
  }
  waitFor(barrier(0), 0);
  if (threadIdx.x < 64) out[threadIdx.x] = in[threadIdx.x];
}

/** Two rounds through one tile: its writer must wait until it has been read. */
KERNEL(slot_written_before_it_is_free) {
  initBarriers(4, 8);
  for (int round = 0; round < 2; round++) {
    if (warpgroup() == 0) {
      if (!planted || round == 0) waitFor(barrier(1), round ^ 1);
      fill(0, round + 1);
      __syncwarp();
      if (firstLane()) arrive(barrier(0));
    } else {
      waitFor(barrier(0), round);
      if (threadIdx.x < 160) out[round * 32 + threadIdx.x - 128] = tile(0)[threadIdx.x * 2 + 1];
      __syncwarp();
      if (firstLane()) arrive(barrier(1));
    }
  }
}

/** Copies into shared memory: the arrival must be made by the copies. */
KERNEL(arrival_before_the_copies) {
  initBarriers(128);
  if (warpgroup() == 0) {
    if (threadIdx.x < 64) copyAsync(sharedAddress(tile(0)) + threadIdx.x * 16, in + threadIdx.x * 4);
    if (planted) {
      arrive(barrier(0));
    } else {
      arriveAfterCopies(barrier(0));
    }
  } else {
    waitFor(barrier(0), 0);
    if (threadIdx.x < 192) out[threadIdx.x - 128] = reinterpret_cast<float*>(tile(0))[threadIdx.x];
  }
}

/** A thread that waits for copies that wgmma will read must issue a fence afterwards. */
KERNEL(copies_without_proxy_fence) {
  float d[32];
  initBarriers(128);
  if (warpgroup() == 0) {
    for (int i = 0; i < 2 * TILE / 2048; i++) {
      copyAsync(sharedAddress(tile(0)) + (i * WARPGROUP + threadIdx.x) * 16, in, false);
    }
    arriveAfterCopies(barrier(0));
  } else {
    waitFor(barrier(0), 0);
    if (!planted) fenceAsyncProxy();
    product(d, 0, 1);
    if (threadIdx.x < 192) out[threadIdx.x - 128] = d[threadIdx.x % 32];
  }
}

KERNEL(named_barrier_of_two_counts) {
  if (warpgroup() == 0) {
    fill(0, 1);
    meetWithoutWaiting<256>(3);
  } else if (warpgroup() == 1) {
    if (planted) {
      meet<384>(3);
    } else {
      meet<256>(3);
    }
    if (threadIdx.x < 192) out[threadIdx.x - 128] = tile(0)[threadIdx.x];
  }
}

KERNEL(named_barrier_nobody_else_comes_to) {
  if (warpgroup() == 0) {
    fill(0, 1);
    meetWithoutWaiting<256>(planted ? 4 : 3);
  } else if (warpgroup() == 1) {
    meet<256>(3);
    if (threadIdx.x < 192) out[threadIdx.x - 128] = tile(0)[threadIdx.x];
  }
}

/** A barrier of the two warpgroups that need none does not cover the third. */
KERNEL(named_barrier_of_the_wrong_ones) {
  if (warpgroup() == 0) fill(0, 1);
  if (warpgroup() == (planted ? 2 : 0)) meetWithoutWaiting<256>(3);
  if (warpgroup() == 1) {
    meet<256>(3);
    if (threadIdx.x < 192) out[threadIdx.x - 128] = tile(0)[threadIdx.x];
  }
}

// ---- registers: launched with 168 -------------------------------------------------------------------------------------

KERNEL(more_registers_than_there_are) {
  if (warpgroup() == 0) {
    if (planted) {
      fewerRegisters<32>();
    } else {
      fewerRegisters<24>();
    }
  } else {
    moreRegisters<240>();
  }
  if (threadIdx.x < 64) out[threadIdx.x] = in[threadIdx.x];
}

KERNEL(more_registers_before_any_are_free) {
  if (warpgroup() == 0) {
    if (!planted) fewerRegisters<24>();
    if (planted) __syncthreads();
  } else {
    moreRegisters<240>();
    if (planted) __syncthreads();
  }
  if (threadIdx.x < 64) out[threadIdx.x] = in[threadIdx.x];
}

KERNEL(registers_of_one_warp) {
  if (warpgroup() == 0) {
    if (!planted || threadIdx.x < WARP) fewerRegisters<24>();
  }
  if (threadIdx.x < 64) out[threadIdx.x] = in[threadIdx.x];
}

// ---- blocks: 4, of which the flags are the last words of out -----------------------------------------------------------

/** Each block waits for the one before it, and block 0 for the last one. */
KERNEL(blocks_wait_in_a_circle) {
  int* flags = reinterpret_cast<int*>(out + 1000);
  const int before = blockIdx.x == 0 ? gridDim.x - 1 : blockIdx.x - 1;
  if (threadIdx.x == 0) {
    if (planted || blockIdx.x > 0) waitAcquire(&flags[before], 1);
    storeRelease(&flags[blockIdx.x], 1);
  }
  if (threadIdx.x < 64 && blockIdx.x == 0) out[threadIdx.x] = in[threadIdx.x];
}

/** Of 80 blocks not all are resident: the first cannot wait for the last. */
KERNEL(block_waits_for_one_that_has_not_begun) {
  int* flag = reinterpret_cast<int*>(out + 1000);
  if (threadIdx.x == 0) {
    if (blockIdx.x == 79) storeRelease(flag, 1);
    if (planted) waitAcquire(flag, 1);
  }
  if (threadIdx.x < 64 && blockIdx.x == 0) out[threadIdx.x] = in[threadIdx.x];
}

/** The data must be written before its flag. */
KERNEL(flag_before_the_data) {
  int* flags = reinterpret_cast<int*>(out + 1000);
  float* sum = out + 900;
  if (threadIdx.x > 0) return;
  if (blockIdx.x > 0) waitAcquire(&flags[blockIdx.x - 1], 1);
  const float before = blockIdx.x > 0 ? sum[blockIdx.x - 1] : 0;
  if (planted) storeRelease(&flags[blockIdx.x], 1);
  sum[blockIdx.x] = before + 1;
  if (!planted) storeRelease(&flags[blockIdx.x], 1);
  if (blockIdx.x == 3) {
    for (int i = 0; i < 64; i++) out[i] = before;
  }
}

/** Thread 0 sets the flag, others have written: they must synchronise first. */
KERNEL(flag_without_barrier) {
  int* flags = reinterpret_cast<int*>(out + 1000);
  if (blockIdx.x == 1) {
    if (threadIdx.x == 0) waitAcquire(&flags[0], 1);
    __syncthreads();
    if (threadIdx.x < 64) out[threadIdx.x] = out[threadIdx.x + 512];
  } else if (blockIdx.x == 0) {
    out[threadIdx.x + 512] = in[threadIdx.x % 256];
    if (!planted) __syncthreads();
    if (threadIdx.x == 0) storeRelease(&flags[0], 1);
  }
}

/** Float sums in the arbitrary order of blocks differ from run to run. */
KERNEL(additions_without_turns) {
  int* flags = reinterpret_cast<int*>(out + 1000);
  if (threadIdx.x == 0) {
    if (blockIdx.x == 0) storeRelaxed(out, 0, 0, 0, 0);
    if (!planted && blockIdx.x > 0) waitAcquire(&flags[blockIdx.x - 1], 1);
    addRelaxed(out, 1, 2, 3, 4);
    storeRelease(&flags[blockIdx.x], 1);
  }
}
