// Kernels whose accesses can be counted by hand, for the profile build of the simulator. Blocks of 32 threads unless said otherwise;
// `flag` chooses the case.
#include <cuda_bf16.h>
#include <stdint.h>

#define KERNEL(name) extern "C" __global__ void name(float* out, const float* in, int flag)

namespace {

__device__ __forceinline__ void copyAsync(void* shared, const void* global, int bytes) {
#ifdef CULEBRA_SIMULATOR
  sim::copyAsync(shared, global, 16, bytes);
  sim::commitCopies();
  sim::waitForCopies(0);
#else
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\ncp.async.wait_all;" ::"r"(to), "l"(global), "r"(bytes) : "memory");
#endif
}

__device__ __forceinline__ uint32_t loadMatrices(const void* row) {
  uint32_t r[4];
#ifdef CULEBRA_SIMULATOR
  sim::loadMatrix(r, row);
#else
  const unsigned from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from) : "memory");
#endif
  return r[0] ^ r[1] ^ r[2] ^ r[3];
}

__device__ __forceinline__ void multiply(float (&d)[4], uint32_t bits) {
  const uint32_t a[4] = {bits, bits, bits, bits}, b[2] = {bits, bits};
#ifdef CULEBRA_SIMULATOR
  const float c[4] = {d[0], d[1], d[2], d[3]};
  sim::mmaM16N8K16(d, a, b, c);
#else
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

}  // namespace

/** Loads `flag` floats apart: 1 is coalesced, 0 a broadcast. Stores side by side. */
KERNEL(strided_loads) { out[threadIdx.x] = in[threadIdx.x * flag]; }

/** 16 bytes a thread, `flag` floats (a multiple of 4) behind the beginning. */
KERNEL(packs) {
  const float4 pack = reinterpret_cast<const float4*>(in + flag)[threadIdx.x];
  reinterpret_cast<float4*>(out)[threadIdx.x] = make_float4(pack.w, pack.z, pack.y, pack.x);
}

/** Each lane makes as many turns as its number / 8: 0, 1, 2, 3. Blocks of any size. */
KERNEL(divergent) {
  float sum = 0;
  for (unsigned i = 0; i < threadIdx.x % 32 / 8; i++) sum += in[i * 32 + threadIdx.x % 32];
  if (threadIdx.x % 2 == 0) out[threadIdx.x] = sum;
}

/** A column of a matrix in shared memory with rows of `flag` floats; 16 bytes a thread in rows side by side where `flag` is 0. */
KERNEL(banks) {
  __shared__ __align__(16) float shared[33 * 32];
  if (flag == 0) {
    reinterpret_cast<float4*>(shared)[threadIdx.x] = make_float4(in[0], in[1], in[2], in[3]);
    __syncthreads();
    const float4 pack = reinterpret_cast<const float4*>(shared)[31 - threadIdx.x];
    out[threadIdx.x] = pack.x + pack.w;
    return;
  }
  shared[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = shared[threadIdx.x * flag];
}

/** 8 bytes a thread, `flag` of them apart. */
KERNEL(pairs_in_banks) {
  __shared__ __align__(16) float2 shared[32 * 4];
  shared[threadIdx.x] = make_float2(in[0], in[1]);
  __syncthreads();
  const float2 pair = shared[threadIdx.x * flag];
  out[threadIdx.x] = pair.x + pair.y;
}

/** Four matrices whose rows are 128 bytes apart, as they lie (flag 0) or with chunks in places XOR row; then two products of them. */
KERNEL(matrices) {
  __shared__ __align__(1024) uint4 shared[32 * 8];
  for (int i = threadIdx.x; i < 32 * 8; i += 32) shared[i] = make_uint4(1, 2, 3, 4);
  __syncthreads();
  const int row = threadIdx.x, chunk = flag == 0 ? 0 : row % 8;
  const uint32_t bits = loadMatrices(&shared[row * 8 + chunk]);
  float d[4] = {0, 0, 0, 0};
  for (int i = 0; i < 2; i++) multiply(d, bits);
  out[threadIdx.x] = d[0];
}

/** Two atomics of each thread, `flag` ints apart in global memory, and all on one in shared memory. */
KERNEL(atomics) {
  __shared__ int sum;
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  atomicAdd(reinterpret_cast<int*>(out) + threadIdx.x * flag, 1);
  atomicAdd(&sum, 1);
}

/** Each thread copies 16 bytes, of which the last 16 lanes read nothing; powers, a vote and shuffles. */
KERNEL(copies_and_others) {
  __shared__ __align__(16) float4 shared[32];
  copyAsync(&shared[threadIdx.x], in + threadIdx.x * 4, threadIdx.x < 16 ? 16 : 0);
  float x = __expf(shared[threadIdx.x].x);
  if (threadIdx.x < 8) x += rsqrtf(x);
  if (__any_sync(0xffffffffu, x > 5)) x += __shfl_xor_sync(0xffffffffu, x, 1);
  for (int lane = 1; lane < 32; lane *= 2) x += __shfl_xor_sync(0xffffffffu, x, lane);
  out[threadIdx.x] = x;
}
