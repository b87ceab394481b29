// Counts calls of the driver since the last reset; read by tests.
#pragma once

#include <cstdint>

namespace sim {

struct Counters {
  /** Launches outside of graphs. */
  int64_t kernelLaunches = 0;
  int64_t graphLaunches = 0;
  /** Calls that made the host wait: for a stream, an event, the context, or a copy without a stream. */
  int64_t synchronizations = 0;
  /** Allocations of device and of pinned memory. */
  int64_t allocations = 0;
  /** Copies and fills given to a stream, outside of graphs. */
  int64_t asyncCopies = 0;
  /** Matrix products, outside of graphs. */
  int64_t matrixProducts = 0;
  /** Kernels that ran, in graphs and outside. */
  int64_t kernelsRun = 0;
};

}  // namespace sim
