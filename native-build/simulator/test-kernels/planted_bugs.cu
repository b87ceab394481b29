// Kernels with one bug each, enabled if `planted` is 1: the checked build must find it, and must find nothing if it is
// 0. 64 threads and 1 block unless stated otherwise; `in` has 256 numbers, `out` has room for 1024 and is
// uninitialised.
#define KERNEL(name) extern "C" __global__ void name(float* out, const float* in, int planted)

constexpr int THREADS = 64;

// ---- races ----------------------------------------------------------------------------------------------------------

KERNEL(read_before_barrier) {
  __shared__ float s[THREADS];
  s[threadIdx.x] = in[threadIdx.x];
  if (!planted) __syncthreads();
  out[threadIdx.x] = s[THREADS - 1 - threadIdx.x];
}

KERNEL(write_before_barrier) {
  __shared__ float s[THREADS];
  s[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  const float mirrored = s[THREADS - 1 - threadIdx.x];
  if (!planted) __syncthreads();
  s[threadIdx.x] = 2 * mirrored;
  out[threadIdx.x] = s[threadIdx.x];
}

KERNEL(two_writers) {
  __shared__ float s[THREADS];
  s[planted ? threadIdx.x / 2 : threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  if (threadIdx.x < THREADS / 2) out[threadIdx.x] = s[threadIdx.x];
}

/** Lanes of one warp: a barrier of the warp is enough, and needed. */
KERNEL(lanes_without_syncwarp) {
  __shared__ float s[THREADS];
  s[threadIdx.x] = in[threadIdx.x];
  if (!planted) __syncwarp();
  out[threadIdx.x] = s[threadIdx.x ^ 1];
}

/** 2 blocks. */
KERNEL(blocks_share_a_row) {
  const int row = planted ? 0 : blockIdx.x;
  out[row * THREADS + threadIdx.x] = in[threadIdx.x];
}

/** 2 blocks: atomics do not race with each other, but with a plain read. */
KERNEL(atomic_and_plain) {
  if (threadIdx.x == 0) out[THREADS + blockIdx.x] = 0;
  __syncthreads();
  atomicAdd(&out[THREADS + blockIdx.x], in[threadIdx.x]);
  if (!planted) __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = out[THREADS + blockIdx.x];
}

/** 2 blocks: the last one to count reads what the other one wrote before it counted. */
KERNEL(counts_before_its_data_is_written) {
  __shared__ bool isLast;
  auto* counter = reinterpret_cast<unsigned*>(out + 1000);
  float* own = out + THREADS * (1 + blockIdx.x);
  if (!planted) own[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
#ifdef CULEBRA_SIMULATOR
  if (threadIdx.x == 0) isLast = sim::addAcqRel(counter, 1) == 1;
#else
  if (threadIdx.x == 0) isLast = atomicAdd(counter, 1u) == 1;
#endif
  if (planted) own[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  if (isLast) out[threadIdx.x] = out[THREADS + threadIdx.x] + out[2 * THREADS + threadIdx.x];
}

// ---- addresses ------------------------------------------------------------------------------------------------------

KERNEL(read_behind_the_end) { out[threadIdx.x] = in[planted ? 256 - THREADS + 1 + threadIdx.x : threadIdx.x]; }

KERNEL(write_before_the_start) { out[static_cast<int>(threadIdx.x) - planted] = in[threadIdx.x]; }

KERNEL(index_outside_of_array) {
  __shared__ float s[THREADS];
  __shared__ float neighbour[THREADS];
  s[threadIdx.x + planted] = in[threadIdx.x];
  neighbour[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = s[THREADS - 1 - threadIdx.x + planted] + neighbour[threadIdx.x ^ 32];
}

/** Launched with 256 bytes of dynamic shared memory: one number per thread. */
KERNEL(dynamic_shared_too_small) {
  extern __shared__ float dynamicNumbers[];
  dynamicNumbers[threadIdx.x + planted] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = dynamicNumbers[(threadIdx.x ^ 32) + planted];
}

KERNEL(misaligned_pack) {
  if (threadIdx.x >= 16) return;
  const float4 x = *reinterpret_cast<const float4*>(in + 4 * threadIdx.x + planted);
  out[threadIdx.x] = x.x + x.y + x.z + x.w;
}


KERNEL(null_pointer) { out[threadIdx.x] = planted ? static_cast<const float*>(nullptr)[threadIdx.x] : in[threadIdx.x]; }

// ---- uninitialised memory -------------------------------------------------------------------------------------------

KERNEL(uninitialised_shared) {
  __shared__ float s[THREADS];
  if (!planted || threadIdx.x > 0) s[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = s[THREADS - 1 - threadIdx.x];
}

KERNEL(uninitialised_global) {
  if (!planted) out[THREADS + threadIdx.x] = in[threadIdx.x];
  out[threadIdx.x] = out[THREADS + threadIdx.x];
}

// ---- meeting --------------------------------------------------------------------------------------------------------

KERNEL(some_threads_skip_the_barrier) {
  if (planted && threadIdx.x >= 40) return;
  __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

KERNEL(barriers_in_two_branches) {
  if (planted && threadIdx.x >= 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = in[threadIdx.x];
}

KERNEL(half_a_warp_at_the_barrier) {
  float x = in[threadIdx.x];
  if (planted && threadIdx.x % 32 >= 16) {
    __syncthreads();
  } else {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
  }
  out[threadIdx.x] = x;
}

KERNEL(shuffle_with_lanes_that_ended) {
  if (planted && threadIdx.x >= 40) return;
  out[threadIdx.x] = in[threadIdx.x] + __shfl_xor_sync(0xffffffffu, in[threadIdx.x], 1);
}

KERNEL(shuffle_outside_of_its_mask) {
  float x = in[threadIdx.x];
  if (threadIdx.x % 2 == 0) x += __shfl_xor_sync(planted ? 0xaaaaaaaau : 0x55555555u, x, 2);
  out[threadIdx.x] = x;
}

// ---- others ---------------------------------------------------------------------------------------------------------

KERNEL(copy_without_wait) {
  __shared__ __align__(16) float s[4 * THREADS];
#ifdef CULEBRA_SIMULATOR
  sim::copyAsync(&s[4 * threadIdx.x], in + 4 * threadIdx.x, 16, 16);
  sim::commitCopies();
  if (!planted) sim::waitForCopies(0);
#else
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(&s[4 * threadIdx.x]));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(in + 4 * threadIdx.x) : "memory");
  asm volatile("cp.async.commit_group;" ::: "memory");
  if (!planted) asm volatile("cp.async.wait_group 0;" ::: "memory");
#endif
  __syncthreads();
  out[threadIdx.x] = s[4 * THREADS - 1 - threadIdx.x];
}

KERNEL(trap) {
  if (planted && threadIdx.x == 7) __trap();
  out[threadIdx.x] = in[threadIdx.x];
}
