// Shared memory of a block: the thread-local variables of a module of kernels, in the OS thread that runs the block.
#pragma once

#include "modules.h"

#include <cstddef>
#include <vector>

namespace sim {

struct Range {
  char* first;
  size_t bytes;

  bool contains(const void* address) const {
    return static_cast<const char*>(address) >= first && static_cast<const char*>(address) < first + bytes;
  }
};

/** Of one module in one OS thread. */
class SharedMemory {
 public:
  /** In the calling OS thread. */
  explicit SharedMemory(const Module& module);

  /** Made ready for the kernel that the calling OS thread runs now. */
  static const SharedMemory* current();

  /** Fills all of it with NaN and opens `dynamicBytes` of the dynamic arrays. */
  void prepare(size_t dynamicBytes);
  /** Whether nothing was written behind the end of the dynamic arrays. */
  bool isIntact() const;

  const Module& module() const { return module_; }
  const Range& all() const { return all_; }
  size_t dynamicBytes() const { return dynamicBytes_; }
  /** Where bytes of the block's shared memory lie, counted as wgmma's descriptors do; null if outside, or two arrays could be meant. */
  const char* at(uint32_t offset, size_t bytes) const;
  /** The way back: a device puts dynamic shared memory behind the bytes that it keeps for itself. */
  uint32_t offsetOf(const void* address) const;
  /** The dynamic array that an address lies in, or null. */
  const Range* dynamicArray(const void* address) const;

 private:
  const Module& module_;
  Range all_;
  std::vector<Range> dynamic_;
  size_t dynamicBytes_ = 0;
};

}  // namespace sim
