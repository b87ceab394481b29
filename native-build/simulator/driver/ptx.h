// What the driver needs to know about PTX: its target GPU and its kernels.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sim {

struct PtxEntry {
  std::string name;
  std::vector<int> parameterBytes;
  /** The most threads per block (.maxntid); 1024 if not given. */
  int maxThreads = 1024;
  /** Whether it is given, and the minimum number of blocks per multiprocessor (.minnctapersm). */
  bool hasBounds = false;
  int minBlocks = 1;
  size_t staticSharedBytes = 0;
};

struct Ptx {
  /** ISA version and compute capability, times ten. */
  int version = 0;
  int target = 0;
  /** For GPUs of exactly that compute capability: sm_90a. */
  bool onlyTarget = false;
  std::vector<PtxEntry> entries;
  /** Empty, or an error with its line. */
  std::string problem;
};

Ptx parsePtx(const std::string& text);

}  // namespace sim
