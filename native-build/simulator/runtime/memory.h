// Device memory: pages of this process with a guard page after each allocation.
#pragma once

#include "shadow.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace sim {

struct Allocation {
  char* address;
  size_t bytes;
  int device;
  void* mapping;
  size_t mappingBytes;
  /** In the checked build, from the first access on: the accesses to each location. */
  std::unique_ptr<Shadow> shadow;

  bool contains(const void* first, size_t count) const {
    const char* p = static_cast<const char*>(first);
    return p >= address && p + count <= address + bytes;
  }
};

/** The memory of all devices, in one space of addresses. Not thread-safe: the driver calls it under its lock, kernels only read. */
class DeviceMemory {
 public:
  /** The alignment of allocations; a real GPU gives 256, but kernels may not rely on more than 16. */
  static constexpr size_t ALIGNMENT = 16;

  static DeviceMemory& get();

  /** Null if the device does not have enough memory left. New memory is filled with NaN, in the profile build with zeros. */
  void* allocate(size_t bytes, int device);
  /** False if there is no such allocation, or it belongs to another device. */
  bool release(void* address, int device);

  /** The allocation that contains an address, or the last one before it; null if there is none. */
  Allocation* near(const void* address);
  bool contains(const void* address, size_t bytes);
  /** Records a write from outside kernels. */
  void noteHostWrite(const void* address, size_t bytes);

  /** Of each device. */
  size_t total() const { return total_; }
  /** Of all devices. */
  size_t used() const;
  size_t free(int device) const { return total_ > used_[device] ? total_ - used_[device] : 0; }
  size_t count() const { return allocations_.size(); }
  void setTotal(size_t bytes) { total_ = bytes; }

 private:
  DeviceMemory();

  std::map<uintptr_t, Allocation> allocations_;
  size_t total_;
  /** By device. */
  std::vector<size_t> used_;
};

}  // namespace sim
