// What the driver has to know of a text of PTX: for which GPU it is, and its kernels.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sim {

struct PtxEntry {
  std::string name;
  std::vector<int> parameterBytes;
  /** Most threads of a block (.maxntid); 1024 where it does not say. */
  int maxThreads = 1024;
  /** Whether it does, and the blocks that a multiprocessor shall hold at least (.minnctapersm). */
  bool hasBounds = false;
  int minBlocks = 1;
  size_t staticSharedBytes = 0;
};

struct Ptx {
  /** ISA version and compute capability, times ten. */
  int version = 0;
  int target = 0;
  /** For GPUs of just that compute capability: sm_90a. */
  bool onlyTarget = false;
  std::vector<PtxEntry> entries;
  /** Empty, or what is wrong with the text and in which line. */
  std::string problem;
};

Ptx parsePtx(const std::string& text);

}  // namespace sim
