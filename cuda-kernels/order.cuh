// How a kernel is ordered after the one before it in its stream: as usual, or overlapped (programmatic dependent launch,
// compute capability 9.0 on). An overlapped kernel may begin as soon as all blocks of the one before it have let it, or
// have ended. Each overlapped kernel waits for that one, so when one has waited, all kernels before it are complete. Until
// then it may only read weights. It is launched so only if the kernel before it is such a kernel, too: none of them
// writes weights, and the first of them began in order.
#pragma once

#include "common.cuh"

namespace culebra {

struct InOrder {
  static __device__ __forceinline__ void letNextBegin() {}
  static __device__ __forceinline__ void waitForPrevious() {}
};

struct Overlapped {
  static __device__ __forceinline__ void letNextBegin() {
#ifdef CULEBRA_SIMULATOR
    sim::letNextKernelBegin();
#else
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
  }
  static __device__ __forceinline__ void waitForPrevious() {
#ifdef CULEBRA_SIMULATOR
    sim::waitForPreviousKernel();
#else
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
  }
};

}  // namespace culebra
