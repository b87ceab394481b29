// The interface between the simulator and kernels compiled for the CPU.
#pragma once

#include <vector_types.h>

#include <cstddef>
#include <cstdint>

#define SIM_EXPORT __attribute__((visibility("default")))
/** A thread-local variable that is accessed without a call; `__thread`, since it needs no constructor. */
#define SIM_WORKER_LOCAL SIM_EXPORT __thread __attribute__((tls_model("initial-exec")))
/** The call site: the return address of an exported function, in the kernel module. */
#define SIM_CALLER __builtin_return_address(0)
/** Always inlined in the profile build, so that call sites are lines of the kernel. */
#ifdef CULEBRA_SIM_PROFILE
#define SIM_INLINE inline __attribute__((always_inline))
#else
#define SIM_INLINE inline
#endif
/** Emulation reads and writes on behalf of threads and reports it itself: the checked build must not instrument it. */
#define SIM_UNCHECKED __attribute__((no_sanitize("thread"), no_sanitize("bounds")))

namespace sim {

/** A thread's built-in variables; a block's threads take turns on one OS thread. */
struct ThreadView {
  uint3 threadIndex;
  unsigned lane;
};

struct BlockView {
  uint3 blockIndex;
  dim3 blockSize;
  dim3 gridSize;
};

extern SIM_WORKER_LOCAL const ThreadView* thisThread;
extern SIM_WORKER_LOCAL const BlockView* thisBlock;

/** A synchronisation site: threads meet only if both members are equal. */
struct Site {
  const char* what;
  int line;
};

/** Called once for all lanes of a mask when the last of them has arrived, with the arguments[lane] of each. */
using WarpOperation = void (*)(void* const arguments[32], unsigned mask);

/** Waits for all threads of the block; returns the number of threads whose predicate is true. */
SIM_EXPORT int syncThreads(Site site, bool predicate);
SIM_EXPORT void syncWarp(Site site, unsigned mask);
SIM_EXPORT void warpCollective(Site site, unsigned mask, WarpOperation operation, void* argument);
/** The lanes of the calling thread's warp that have not ended. */
SIM_EXPORT unsigned liveLanes();

/** cp.async of `bytes` bytes, of which the last `bytes − bytesRead` become zero. Lands as late as possible. */
SIM_EXPORT void copyAsync(void* shared, const void* global, int bytes, int bytesRead);
SIM_EXPORT void commitCopies();
/** Lands all groups but the newest `groups`. */
SIM_EXPORT void waitForCopies(int groups);

/** atom.acq_rel.gpu.add: what the thread knows to have been written is known to all that add later. Returns the old value. */
SIM_EXPORT unsigned addAcqRel(unsigned* counter, unsigned value);

/** griddepcontrol.launch_dependents, and .wait: see programmatic dependent launch. */
SIM_EXPORT void letNextKernelBegin();
SIM_EXPORT void waitForPreviousKernel();

/** ADD reads and writes; unlike with ATOMIC, such accesses by several threads must be ordered. */
enum class Access : uint8_t { READ, WRITE, ATOMIC, ADD };
/** Reports to the checked and profile builds what an emulated instruction reads or writes; it is at `code`, or where this is called. */
SIM_EXPORT void noteAccess(const void* address, int bytes, Access access, const void* code = nullptr);
/** Reports operations of the special function unit to the profile build. */
SIM_EXPORT void noteSpecial(int operations);
/** The module was compiled for the profile build. */
SIM_EXPORT void enterProfile();

/** Ends the kernel with an error; `format` as for printf. */
[[noreturn]] SIM_EXPORT void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// ---- registration, when a module of kernels is loaded ----

/** Calls a kernel with parameters as passed to cuLaunchKernel: the address of each. */
using Trampoline = void (*)(void** parameters);

struct KernelEntry {
  const char* name;
  Trampoline call;
  const int* parameterBytes;
  int parameters;
};

SIM_EXPORT void registerKernel(const KernelEntry& entry);
/** `address` gives the location of the array of dynamic shared memory in the calling OS thread. */
SIM_EXPORT void registerDynamicShared(void* (*address)(), size_t bytes);

inline bool enterDynamicShared(void* (*address)(), size_t bytes) {
  registerDynamicShared(address, bytes);
  return true;
}

}  // namespace sim
