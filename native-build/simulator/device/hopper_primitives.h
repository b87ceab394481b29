// Features of Hopper only, as defined by PTX ISA 9.0, for the host side of inline PTX: cuda-kernels/hopper.cuh.
//
// Addresses of shared memory are ordinary ones here; sharedOffset converts them to offsets for descriptors.
#pragma once

#include "primitives.h"

namespace sim {

/** Bytes from the start of the block's shared memory: dynamic shared memory follows the first 1024, as on a device. */
SIM_EXPORT uint32_t sharedOffset(uintptr_t address);

// ---- barriers -------------------------------------------------------------------------------------------------------

SIM_EXPORT void mbarrierInit(uintptr_t barrier, int arrivals);
/** fence.mbarrier_init: blocks have no clusters here. */
inline void mbarrierFence() {}
SIM_EXPORT void mbarrierArrive(uintptr_t barrier);
/** cp.async.mbarrier.arrive.noinc: the arrival happens as late as possible. */
SIM_EXPORT void mbarrierArriveAfterCopies(uintptr_t barrier);
/** Returns when the phase of this parity has ended. */
SIM_EXPORT void mbarrierWait(uintptr_t barrier, uint32_t parity, int line = __builtin_LINE());
/** bar.sync and bar.arrive of a named barrier, 1 to 15. */
SIM_EXPORT void barrierSync(int id, int threads, int line = __builtin_LINE());
SIM_EXPORT void barrierArrive(int id, int threads, int line = __builtin_LINE());
/** fence.proxy.async */
SIM_EXPORT void proxyFence();

// ---- registers ------------------------------------------------------------------------------------------------------

/** setmaxnreg.inc and .dec: fail where a device would hang, if the block's registers cannot be enough. */
SIM_EXPORT void moreRegisters(int registers, int line = __builtin_LINE());
SIM_EXPORT void fewerRegisters(int registers, int line = __builtin_LINE());

// ---- products of a warpgroup ----------------------------------------------------------------------------------------

/** wgmma.mma_async.m64nNk16.f32.bf16.bf16, with N twice `count`, as issued by one thread of the warpgroup. */
struct Product {
  float* d;
  int count;
  /** Four registers, or null for a descriptor, K-major. */
  const uint32_t* aRegisters;
  uint64_t a, b;
  bool add;
  /** If B's rows in shared memory are K (MN-major); otherwise N (K-major). */
  bool rowsAreK;
};

/** Shared memory is read, and the sums are written, when the product is waited for. */
SIM_EXPORT void issueProduct(const Product& product);
SIM_EXPORT void wgmmaFence();
SIM_EXPORT void wgmmaCommit();
SIM_EXPORT void wgmmaWait(int groups, int line = __builtin_LINE());

template <int R>
SIM_INLINE void wgmma(float (&d)[R], uint64_t a, uint64_t b, bool add, bool rowsAreK) {
  static_assert(R % 4 == 0 && R <= 128);
  issueProduct({d, R, nullptr, a, b, add, rowsAreK});
}
template <int R>
SIM_INLINE void wgmma(float (&d)[R], const uint32_t* a, uint64_t b, bool add, bool rowsAreK) {
  static_assert(R % 4 == 0 && R <= 128);
  issueProduct({d, R, a, 0, b, add, rowsAreK});
}

// ---- matrices to shared memory --------------------------------------------------------------------------------------

struct StoreMatrix {
  const uint32_t* registers;
  void* row;
  bool transposed;
};

/** The inverse of loadMatrices: row r of matrix j goes to the address given by lane 8j + r. */
SIM_UNCHECKED inline void storeMatrices(void* const arguments[32], unsigned) {
  const bool transposed = static_cast<const StoreMatrix*>(arguments[0])->transposed;
  for (int j = 0; j < 4; j++) {
    uint16_t matrix[8][8];
    for (int lane = 0; lane < 32; lane++) {
      const int g = lane / 4, c = lane % 4 * 2;
      const uint32_t pair = static_cast<const StoreMatrix*>(arguments[lane])->registers[j];
      for (int half = 0; half < 2; half++) {
        (transposed ? matrix[c + half][g] : matrix[g][c + half]) = static_cast<uint16_t>(pair >> 16 * half);
      }
    }
    for (int r = 0; r < 8; r++) {
      void* row = static_cast<const StoreMatrix*>(arguments[8 * j + r])->row;
      if (reinterpret_cast<uintptr_t>(row) % 16 != 0) fail("stmatrix: misaligned address %p, not a multiple of 16", row);
      noteAccess(row, 16, Access::WRITE);
      std::memcpy(row, matrix[r], 16);
    }
  }
}

/** stmatrix.sync.aligned.m8n8.x4[.trans].shared.b16 */
template <bool TRANSPOSED>
SIM_INLINE void storeMatrix(void* row, const uint32_t (&registers)[4], int line = __builtin_LINE()) {
  StoreMatrix store{registers, row, TRANSPOSED};
  warpCollective({TRANSPOSED ? "stmatrix.trans" : "stmatrix", line}, WHOLE_WARP, storeMatrices, &store);
}

// ---- global memory that blocks share --------------------------------------------------------------------------------

// The order of additions must be deterministic: accesses by several threads must be ordered, as for plain accesses.

// Never inlined, so that the call site is a line of the caller.
__attribute__((noinline)) SIM_UNCHECKED inline void storeRelaxed(float* to, const float (&v)[4]) {
  noteAccess(to, 16, Access::WRITE, SIM_CALLER);
  std::memcpy(to, v, 16);
}
__attribute__((noinline)) SIM_UNCHECKED inline void addRelaxed(float* to, const float (&v)[4]) {
  noteAccess(to, 16, Access::ADD, SIM_CALLER);
  for (int i = 0; i < 4; i++) to[i] += v[i];
}
__attribute__((noinline)) SIM_UNCHECKED inline void loadRelaxed(float (&v)[4], const float* from) {
  noteAccess(from, 16, Access::READ, SIM_CALLER);
  std::memcpy(v, from, 16);
}

/** st.release.gpu: other blocks get their turn before it. */
SIM_EXPORT void storeRelease(int* flag, int value);
/** ld.acquire.gpu until *flag is at least `least`; other blocks continue meanwhile. */
SIM_EXPORT void waitAcquire(const int* flag, int least, int line = __builtin_LINE());

}  // namespace sim
