// Runs all blocks of a launch, several at once, on the simulator's own OS threads.
#pragma once

#include "kernel_interface.h"
#include "modules.h"

#include <functional>
#include <string>

namespace sim {

struct Launch {
  const LoadedKernel* kernel;
  dim3 grid;
  dim3 block;
  size_t dynamicSharedBytes;
  /** How many of its blocks are resident at once, and the initial registers per thread. */
  int residents;
  int registers;
  /** Whether it may begin before the kernel before it has ended (programmatic stream serialization). */
  bool overlapped = false;
};

/** How a kernel ended. */
struct Outcome {
  enum Kind { DONE, ILLEGAL_ADDRESS, MISALIGNED_ADDRESS, FAILED };

  Kind kind = DONE;
  std::string message;
};

/** Waits for the last block; after one fails, no more are started. `parameters` are those of cuLaunchKernel. */
Outcome runGrid(const Launch& launch, void** parameters);

/** task(0) … task(count − 1), several at once on the simulator's OS threads; waits for all. */
SIM_EXPORT void inParallel(int count, const std::function<void(int)>& task);

}  // namespace sim
