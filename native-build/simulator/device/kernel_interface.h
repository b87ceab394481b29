// What kernels compiled for the CPU and the simulator know of each other.
#pragma once

#include <vector_types.h>

#include <cstddef>
#include <cstdint>

#define SIM_EXPORT __attribute__((visibility("default")))
/** A variable of the OS thread that is reached without a call; `__thread`, since it needs no constructor. */
#define SIM_WORKER_LOCAL SIM_EXPORT __thread __attribute__((tls_model("initial-exec")))
/** Emulation reads and writes on behalf of threads and reports it itself: not to be watched by the checked build. */
#define SIM_UNCHECKED __attribute__((no_sanitize("thread"), no_sanitize("bounds")))

namespace sim {

/** What a thread can ask about itself; a kernel's threads take turns on one OS thread. */
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

/** A place where threads meet: they do meet only if both are equal. */
struct Site {
  const char* what;
  int line;
};

/** Done once for all lanes of a mask when the last of them has come: arguments[lane] of each. */
using WarpOperation = void (*)(void* const arguments[32], unsigned mask);

/** Waits for all threads of the block; the number of them whose predicate is true. */
SIM_EXPORT int syncThreads(Site site, bool predicate);
SIM_EXPORT void syncWarp(Site site, unsigned mask);
SIM_EXPORT void warpCollective(Site site, unsigned mask, WarpOperation operation, void* argument);
/** The lanes of the calling thread's warp that have not ended. */
SIM_EXPORT unsigned liveLanes();

/** cp.async of `bytes` bytes, of which the last `bytes − bytesRead` become zero. Lands as late as it may. */
SIM_EXPORT void copyAsync(void* shared, const void* global, int bytes, int bytesRead);
SIM_EXPORT void commitCopies();
/** Lands all groups but the newest `groups`. */
SIM_EXPORT void waitForCopies(int groups);

/** Tells the checked build of what an emulated instruction reads or writes. */
enum class Access : uint8_t { READ, WRITE, ATOMIC };
SIM_EXPORT void noteAccess(const void* address, int bytes, Access access);

/** Ends the kernel with an error; `format` as for printf. */
[[noreturn]] SIM_EXPORT void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// ---- registration, when a module of kernels is loaded ----

/** Calls a kernel with parameters as cuLaunchKernel gets them: the address of each. */
using Trampoline = void (*)(void** parameters);

struct KernelEntry {
  const char* name;
  Trampoline call;
  const int* parameterBytes;
  int parameters;
};

SIM_EXPORT void registerKernel(const KernelEntry& entry);
/** `address` gives where the array of dynamic shared memory lies in the calling OS thread. */
SIM_EXPORT void registerDynamicShared(void* (*address)(), size_t bytes);

inline bool enterDynamicShared(void* (*address)(), size_t bytes) {
  registerDynamicShared(address, bytes);
  return true;
}

}  // namespace sim
