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

/** The shared memory of one module in one OS thread. */
class SharedMemory {
 public:
  /** In the calling OS thread. */
  explicit SharedMemory(const Module& module);

  /** Prepared for the kernel that the calling OS thread runs next. */
  static const SharedMemory* current();

  /** Fills all of it with NaN and makes `dynamicBytes` of the dynamic arrays accessible. */
  void prepare(size_t dynamicBytes);
  /** Whether nothing was written past the end of the dynamic arrays. */
  bool isIntact() const;

  const Module& module() const { return module_; }
  const Range& all() const { return all_; }
  size_t dynamicBytes() const { return dynamicBytes_; }
  /** The address of an offset in a wgmma descriptor; null if outside the block's shared memory, or ambiguous between two arrays. */
  const char* at(uint32_t offset, size_t bytes) const;
  /** The inverse: on a device, dynamic shared memory follows the system's own bytes. */
  uint32_t offsetOf(const void* address) const;
  /** The dynamic array that contains an address, or null. */
  const Range* dynamicArray(const void* address) const;

 private:
  const Module& module_;
  Range all_;
  std::vector<Range> dynamic_;
  size_t dynamicBytes_ = 0;
};

}  // namespace sim
