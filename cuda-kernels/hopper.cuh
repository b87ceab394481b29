// Features of Hopper only (compute capability 9.0, PTX for sm_90a): warpgroup products, mbarriers, registers that move between
// warps. Each instruction is one function: inline PTX on the device, a call in the simulator.
//
// A warpgroup is 4 warps (128 threads); the number of its first warp is a multiple of 4. wgmma multiplies A (64 × 16) by B (16 ×
// N), bf16, sums in float. Of a D (64 × N), warp w has rows 16w …; in it lane l, with g = l / 4 and t = l % 4, holds in
//   d[4j], d[4j + 1]      row g, columns 8j + 2t and the next
//   d[4j + 2], d[4j + 3]  row g + 8
// and of an A in registers a[0]: row g, columns 2t, 2t + 1; a[1]: row g + 8; a[2], a[3]: the same, 8 columns on. So columns 16k …
// of a D, rounded to bf16, are the A of step k of the next product.
//
// In the simulator these functions of native-build/simulator/device/hopper_primitives.h are called:
//   uint32_t sharedOffset(uintptr_t address);              bytes from the start of the block's shared memory, as in descriptors
//   void mbarrierInit(uintptr_t barrier, int arrivals);
//   void mbarrierFence();                                  fence.mbarrier_init
//   void mbarrierArrive(uintptr_t barrier);
//   void mbarrierArriveAfterCopies(uintptr_t barrier);     cp.async.mbarrier.arrive.noinc
//   void mbarrierWait(uintptr_t barrier, uint32_t parity); returns when the phase of this parity has ended
//   void barrierSync(int id, int threads);                 bar.sync
//   void barrierArrive(int id, int threads);               bar.arrive
//   void proxyFence();                                     fence.proxy.async
//   void moreRegisters(int registers);                     setmaxnreg.inc
//   void fewerRegisters(int registers);                    setmaxnreg.dec
//   void wgmmaFence();  void wgmmaCommit();  void wgmmaWait(int groups);
//   template <int R> void wgmma(float (&d)[R], uint64_t a, uint64_t b, bool add, bool rowsAreK);            N = 2R, A by descriptor
//   template <int R> void wgmma(float (&d)[R], const uint32_t* a, uint64_t b, bool add, bool rowsAreK);     A in 4 registers
//   template <bool TRANSPOSED> void storeMatrix(void* row, const uint32_t (&registers)[4]);                 stmatrix.x4
//   void storeRelaxed(float* to, const float (&v)[4]);     st.cg, red.relaxed.gpu.add, ld.relaxed.gpu of 16 bytes
//   void addRelaxed(float* to, const float (&v)[4]);
//   void loadRelaxed(float (&v)[4], const float* from);
//   void storeRelease(int* flag, int value);               st.release.gpu
//   void waitAcquire(const int* flag, int least);          ld.acquire.gpu until *flag >= least
// and copyAsync, commitCopies and waitForCopies, which all kernels use.
#pragma once

#include "mma.cuh"

#ifdef CULEBRA_SIMULATOR
#include "hopper_primitives.h"
#endif

namespace culebra {

constexpr int WARPGROUP = 128;

// ---- shared memory --------------------------------------------------------------------------------------------------

/** An address in shared memory: 32 bits, for arithmetic in one register. */
#ifdef CULEBRA_SIMULATOR
using saddr = uintptr_t;
#else
using saddr = uint32_t;
#endif

__device__ __forceinline__ saddr sharedAddress(const void* p) {
#ifdef CULEBRA_SIMULATOR
  return reinterpret_cast<uintptr_t>(p);
#else
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
#endif
}

__device__ __forceinline__ int loadShared(saddr from) {
#ifdef CULEBRA_SIMULATOR
  return *reinterpret_cast<const int*>(from);
#else
  int value;
  asm volatile("ld.shared.s32 %0, [%1];" : "=r"(value) : "r"(from) : "memory");
  return value;
#endif
}

__device__ __forceinline__ void storeShared(saddr to, int value) {
#ifdef CULEBRA_SIMULATOR
  *reinterpret_cast<int*>(to) = value;
#else
  asm volatile("st.shared.s32 [%0], %1;" ::"r"(to), "r"(value) : "memory");
#endif
}

/** loadMatrices of mma.cuh by address. */
__device__ __forceinline__ void loadMatrices(uint32_t (&r)[4], saddr row) {
#ifdef CULEBRA_SIMULATOR
  sim::loadMatrix(r, reinterpret_cast<const void*>(row));
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(row) : "memory");
#endif
}

/** The inverse: lane (g, t) gives columns 2t, 2t+1 of row g of each of four 8 × 8 matrices; transposed, rows 2t, 2t+1 of column g. */
template <bool TRANSPOSED = false>
__device__ __forceinline__ void storeMatrices(saddr row, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
#ifdef CULEBRA_SIMULATOR
  sim::storeMatrix<TRANSPOSED>(reinterpret_cast<void*>(row), {a, b, c, d});
#else
  if constexpr (TRANSPOSED) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1,%2,%3,%4};"
                 ::"r"(row), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
  } else {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1,%2,%3,%4};"
                 ::"r"(row), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
  }
#endif
}

// ---- copies ---------------------------------------------------------------------------------------------------------

/** Starts a copy of 16 bytes. */
__device__ __forceinline__ void copyAsync(saddr to, const void* from) {
#ifdef CULEBRA_SIMULATOR
  sim::copyAsync(reinterpret_cast<void*>(to), from, 16, 16);
#else
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
#endif
}

/** The same; if not valid, writes zeros and reads nothing. */
__device__ __forceinline__ void copyAsync(saddr to, const void* from, bool valid) {
#ifdef CULEBRA_SIMULATOR
  sim::copyAsync(reinterpret_cast<void*>(to), from, 16, valid ? 16 : 0);
#else
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0) : "memory");
#endif
}

/** The same; the L2 cache fetches the surrounding 128 bytes. `bytes` is 16, or 0 for zeros. */
__device__ __forceinline__ void copyAsyncLine(saddr to, const void* from, int bytes) {
#ifdef CULEBRA_SIMULATOR
  sim::copyAsync(reinterpret_cast<void*>(to), from, 16, bytes);
#else
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
#endif
}

/** Waits until all copies of this thread have landed. */
__device__ __forceinline__ void waitForAllCopies() {
#ifdef CULEBRA_SIMULATOR
  sim::commitCopies();
  sim::waitForCopies(0);
#else
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

// ---- barriers -------------------------------------------------------------------------------------------------------

/** An mbarrier, 8 bytes: a phase ends with its `arrivals`-th arrival; phases are counted by their parity, the first is 0. */
__device__ __forceinline__ void initBarrier(saddr barrier, int arrivals) {
#ifdef CULEBRA_SIMULATOR
  sim::mbarrierInit(barrier, arrivals);
#else
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
#endif
}

/** Call before the __syncthreads after which other threads use barriers that this thread has initialised. */
__device__ __forceinline__ void fenceBarriers() {
#ifdef CULEBRA_SIMULATOR
  sim::mbarrierFence();
#else
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}

__device__ __forceinline__ void arrive(saddr barrier) {
#ifdef CULEBRA_SIMULATOR
  sim::mbarrierArrive(barrier);
#else
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
#endif
}

/** Arrives when this thread's copies so far have landed: one of the expected arrivals. */
__device__ __forceinline__ void arriveAfterCopies(saddr barrier) {
#ifdef CULEBRA_SIMULATOR
  sim::mbarrierArriveAfterCopies(barrier);
#else
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
#endif
}

/** Waits until the phase of this parity has ended; on a fresh barrier, that of parity 1 has. */
__device__ __forceinline__ void waitFor(saddr barrier, uint32_t parity) {
#ifdef CULEBRA_SIMULATOR
  sim::mbarrierWait(barrier, parity);
#else
  asm volatile(
      "{\n.reg .pred p;\n"
      "WAIT:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
      "@p bra DONE;\n"
      "bra WAIT;\n"
      "DONE:\n}\n" ::"r"(barrier), "r"(parity) : "memory");
#endif
}

/** A named barrier, 1 … 15, of THREADS threads (0 is that of __syncthreads). */
template <int THREADS>
__device__ __forceinline__ void meet(int id) {
#ifdef CULEBRA_SIMULATOR
  sim::barrierSync(id, THREADS);
#else
  asm volatile("bar.sync %0, %1;" ::"r"(id), "n"(THREADS) : "memory");
#endif
}

/** Counts as one of the THREADS without waiting for the others. */
template <int THREADS>
__device__ __forceinline__ void meetWithoutWaiting(int id) {
#ifdef CULEBRA_SIMULATOR
  sim::barrierArrive(id, THREADS);
#else
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "n"(THREADS) : "memory");
#endif
}

/** Orders this thread's writes to shared memory so far, including copies that it has waited for, before reads by wgmma. */
__device__ __forceinline__ void fenceAsyncProxy() {
#ifdef CULEBRA_SIMULATOR
  sim::proxyFence();
#else
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// ---- registers ------------------------------------------------------------------------------------------------------

/**
 * The warpgroup continues with this many registers per thread, a multiple of 8, more or fewer than at launch. A request for more
 * waits until others have released them: a block that requests more in total than it was launched with (65536 / T each for T
 * threads, rounded down to a multiple of 8) hangs. All warps of a warpgroup must call it: a multiprocessor's registers are in four
 * partitions, one per warp.
 */
template <int REGISTERS>
__device__ __forceinline__ void moreRegisters() {
#ifdef CULEBRA_SIMULATOR
  sim::moreRegisters(REGISTERS);
#else
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
#endif
}
template <int REGISTERS>
__device__ __forceinline__ void fewerRegisters() {
#ifdef CULEBRA_SIMULATOR
  sim::fewerRegisters(REGISTERS);
#else
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
#endif
}

/** Hides from the compiler where a number comes from, so that it is kept and not recomputed. */
__device__ __forceinline__ int keep(int x) {
#ifndef CULEBRA_SIMULATOR
  asm volatile("" : "+r"(x));
#endif
  return x;
}

/** The compiler moves neither later uses of d nor its earlier computation across this line (ptxas does not see it). */
template <int N>
__device__ __forceinline__ void pin(float (&d)[N]) {
#ifndef CULEBRA_SIMULATOR
#pragma unroll
  for (int i = 0; i < N; i++) asm volatile("" : "+f"(d[i])::"memory");
#endif
}

/**
 * Never stores, since x is not negative, but forces ptxas to compute x before the code after it. Otherwise ptxas would sink the
 * arithmetic that x depends on below a wait for products that should run in parallel. (A branch to a trap does not work: ptxas then
 * ignores setmaxnreg.)
 */
__device__ __forceinline__ void settle(float x, saddr shared) {
#ifdef CULEBRA_SIMULATOR
  if (x < 0) sim::fail("settle: %g is negative", x);
#else
  asm volatile("{\n.reg .pred q;\nsetp.lt.f32 q, %0, 0f00000000;\n@q st.shared.f32 [%1], %0;\n}\n" ::"f"(x), "r"(shared) : "memory");
#endif
}

// ---- products of a warpgroup ----------------------------------------------------------------------------------------

/**
 * Operands in shared memory have rows of 128 bytes (64 bf16) in the 128-byte swizzle: the 16-byte chunk c of row r is at chunk
 * c ^ (r % 8). Eight rows are 1024 bytes; a tile starts at a multiple of 1024. A K-major operand has M or N as rows and K along
 * them: a step of 16 in K is 32 bytes. An MN-major one has K as rows: a step of 16 in K is 2048 bytes, and if N is more than 64,
 * the next 64 are `panel` bytes further.
 *
 * A descriptor's low word is the address / 16 (14 bits) and from bit 16 the leading offset / 16, which is `panel`; the high word is
 * the stride of eight rows / 16, and from bit 30 the number of the swizzle, 1. Bytes / 16 may be added to the low word.
 */
__device__ __forceinline__ uint32_t operand(saddr address, uint32_t panel = 1024) {
#ifdef CULEBRA_SIMULATOR
  address = sim::sharedOffset(address);
#endif
  return static_cast<uint32_t>(address >> 4) + (panel >> 4 << 16);
}
__device__ __forceinline__ uint64_t descriptor(uint32_t operand) {
  constexpr uint32_t HIGH = 1024 >> 4 | 1u << 30;
  return uint64_t{HIGH} << 32 | operand;
}

/** Call before the first product, and before a product whose registers (sums or A) were written by anything other than products. */
__device__ __forceinline__ void fenceProducts() {
#ifdef CULEBRA_SIMULATOR
  sim::wgmmaFence();
#else
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
/** Ends a group of products. */
__device__ __forceinline__ void commitProducts() {
#ifdef CULEBRA_SIMULATOR
  sim::wgmmaCommit();
#else
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
/** Waits until all but the latest GROUPS groups are done; until then their registers must not be touched. */
template <int GROUPS>
__device__ __forceinline__ void waitForProducts() {
#ifdef CULEBRA_SIMULATOR
  sim::wgmmaWait(GROUPS);
#else
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(GROUPS) : "memory");
#endif
}

/** The layout of B. */
enum class Major { K, MN };

#define CULEBRA_SUMS_4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define CULEBRA_SUMS_16(i) CULEBRA_SUMS_4(i), CULEBRA_SUMS_4(i + 4), CULEBRA_SUMS_4(i + 8), CULEBRA_SUMS_4(i + 12)
#define CULEBRA_SUMS_32 CULEBRA_SUMS_16(0), CULEBRA_SUMS_16(16)
#define CULEBRA_SUMS_64 CULEBRA_SUMS_32, CULEBRA_SUMS_16(32), CULEBRA_SUMS_16(48)
#define CULEBRA_NAMES_32                                                                                                      \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define CULEBRA_NAMES_64                                                                                                      \
  CULEBRA_NAMES_32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59," \
                   "%60,%61,%62,%63"

/**
 * d (64, N) = A (64, 16) · B (16, N), + d if `add` is not 0; N is 64 or 128, d has N / 2 registers. A is K-major in shared memory
 * at `a`, B at `b`: descriptors. Runs asynchronously: see waitForProducts.
 */
template <Major B, int R>
__device__ __forceinline__ void multiply(float (&d)[R], uint64_t a, uint64_t b, int add) {
  static_assert(R == 32 || R == 64);
#ifdef CULEBRA_SIMULATOR
  sim::wgmma(d, a, b, add != 0, B == Major::MN);
#else
  if constexpr (R == 32) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\nwgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" CULEBRA_NAMES_32
                 "}, %32, %33, p, 1, 1, 0, %35;\n}"
                 : CULEBRA_SUMS_32 : "l"(a), "l"(b), "r"(add), "n"(static_cast<int>(B)));
  } else {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" CULEBRA_NAMES_64
                 "}, %64, %65, p, 1, 1, 0, %67;\n}"
                 : CULEBRA_SUMS_64 : "l"(a), "l"(b), "r"(add), "n"(static_cast<int>(B)));
  }
#endif
}

/** The same with A in registers, a[0] … a[3]. */
template <Major B, int R>
__device__ __forceinline__ void multiply(float (&d)[R], const uint32_t* a, uint64_t b, int add) {
  static_assert(R == 32 || R == 64);
#ifdef CULEBRA_SIMULATOR
  sim::wgmma(d, a, b, add != 0, B == Major::MN);
#else
  if constexpr (R == 32) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\nwgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" CULEBRA_NAMES_32
                 "}, {%32,%33,%34,%35}, %36, p, 1, 1, %38;\n}"
                 : CULEBRA_SUMS_32 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(static_cast<int>(B)));
  } else {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %69, 0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" CULEBRA_NAMES_64
                 "}, {%64,%65,%66,%67}, %68, p, 1, 1, %70;\n}"
                 : CULEBRA_SUMS_64 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(static_cast<int>(B)));
  }
#endif
}

#undef CULEBRA_SUMS_4
#undef CULEBRA_SUMS_16
#undef CULEBRA_SUMS_32
#undef CULEBRA_SUMS_64
#undef CULEBRA_NAMES_32
#undef CULEBRA_NAMES_64

// ---- global memory that blocks share --------------------------------------------------------------------------------

/** Bypasses the L1 cache. */
__device__ __forceinline__ void storeRelaxed(float* to, float a, float b, float c, float d) {
#ifdef CULEBRA_SIMULATOR
  sim::storeRelaxed(to, {a, b, c, d});
#else
  asm volatile("st.global.cg.v4.f32 [%0], {%1,%2,%3,%4};" ::"l"(to), "f"(a), "f"(b), "f"(c), "f"(d) : "memory");
#endif
}
/** Adds in the L2 cache. One thread's additions to one address happen in its order. Needs PTX 8.1. */
__device__ __forceinline__ void addRelaxed(float* to, float a, float b, float c, float d) {
#ifdef CULEBRA_SIMULATOR
  sim::addRelaxed(to, {a, b, c, d});
#else
  asm volatile("red.relaxed.gpu.global.add.v4.f32 [%0], {%1,%2,%3,%4};" ::"l"(to), "f"(a), "f"(b), "f"(c), "f"(d) : "memory");
#endif
}
__device__ __forceinline__ float4 loadRelaxed(const float* from) {
#ifdef CULEBRA_SIMULATOR
  float v[4];
  sim::loadRelaxed(v, from);
  return make_float4(v[0], v[1], v[2], v[3]);
#else
  float4 v;
  asm volatile("ld.relaxed.gpu.global.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(from) : "memory");
  return v;
#endif
}

/** Publishes what this thread, and the threads it has synchronised with, did before. */
__device__ __forceinline__ void storeRelease(int* flag, int value) {
#ifdef CULEBRA_SIMULATOR
  sim::storeRelease(flag, value);
#else
  asm volatile("st.release.gpu.global.s32 [%0], %1;" ::"l"(flag), "r"(value) : "memory");
#endif
}
/** Waits until another block has stored at least this value. That block must be running or done. */
__device__ __forceinline__ void waitAcquire(const int* flag, int least) {
#ifdef CULEBRA_SIMULATOR
  sim::waitAcquire(flag, least);
#else
  int now;
  do {
    asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(now) : "l"(flag) : "memory");
  } while (now < least);
#endif
}

// ---- arithmetic -----------------------------------------------------------------------------------------------------

/** log2(x) and 1 / x to about 22 bits, one instruction each; subnormal numbers count as 0. */
__device__ __forceinline__ float log2Fast(float x) {
#ifdef CULEBRA_SIMULATOR
  return sim::lg2ApproxFtz(x);
#else
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}
__device__ __forceinline__ float reciprocalFast(float x) {
#ifdef CULEBRA_SIMULATOR
  return sim::rcpApproxFtz(x);
#else
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

/** Products of two pairs of bf16, rounded to bf16. */
__device__ __forceinline__ uint32_t multiplyPairs(uint32_t a, uint32_t b) {
#ifdef CULEBRA_SIMULATOR
  return bf16Pair(sim::bf16Half(a, 0) * sim::bf16Half(b, 0), sim::bf16Half(a, 1) * sim::bf16Half(b, 1));
#else
  uint32_t product;
  asm("mul.rn.bf16x2 %0, %1, %2;" : "=r"(product) : "r"(a), "r"(b));
  return product;
#endif
}

}  // namespace culebra
