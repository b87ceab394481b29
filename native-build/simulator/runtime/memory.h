// Device memory: pages of this process with a forbidden one after the end of each allocation.
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
  /** In the checked build, from the first access on: who wrote and read what. */
  std::unique_ptr<Shadow> shadow;

  bool contains(const void* first, size_t count) const {
    const char* p = static_cast<const char*>(first);
    return p >= address && p + count <= address + bytes;
  }
};

/** The memory of all devices, in one space of addresses. Not thread-safe: the driver calls it under its lock, kernels only look. */
class DeviceMemory {
 public:
  /** What allocations are rounded up to; a real GPU gives 256, where kernels may not rely on more than 16. */
  static constexpr size_t ALIGNMENT = 16;

  static DeviceMemory& get();

  /** Null if the device has not that much left. New memory is full of NaN. */
  void* allocate(size_t bytes, int device);
  /** False if there is no such memory, or it is another device's. */
  bool release(void* address, int device);

  /** The allocation that an address lies in, or the last one before it; null if there is none. */
  Allocation* near(const void* address);
  bool contains(const void* address, size_t bytes);
  /** Somebody outside of kernels wrote there. */
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
