#include "memory.h"

#include "checker.h"
#include "profiler.h"
#include "settings.h"

#include <sys/mman.h>

#include <cstring>
#include <numeric>

namespace sim {
namespace {

constexpr size_t PAGE = 4096;
/** Float and bf16 with all bits set are NaN, integers −1. */
constexpr int POISON = 0xff;

size_t roundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

DeviceMemory& DeviceMemory::get() {
  static auto* memory = new DeviceMemory();  // never destroyed: workers outlive main
  return *memory;
}

DeviceMemory::DeviceMemory() : total_(Settings::get().deviceBytes), used_(Settings::get().devices) {}

size_t DeviceMemory::used() const { return std::accumulate(used_.begin(), used_.end(), size_t{0}); }

void* DeviceMemory::allocate(size_t bytes, int device) {
  if (bytes == 0 || bytes > free(device)) return nullptr;
  const size_t rounded = roundUp(bytes, ALIGNMENT), pages = roundUp(rounded, PAGE), all = pages + 2 * PAGE;
  constexpr int FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* mapping = mmap(nullptr, all, PROT_NONE, FLAGS, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  char* first = static_cast<char*>(mapping) + PAGE;
  mprotect(first, pages, PROT_READ | PROT_WRITE);
  char* address = first + pages - rounded;  // its end touches the guard page
  if (!Profiler::get().enabled()) std::memset(address, POISON, rounded);
  used_[device] += bytes;
  allocations_[reinterpret_cast<uintptr_t>(address)] = {address, bytes, device, mapping, all, nullptr};
  return address;
}

bool DeviceMemory::release(void* address, int device) {
  const auto found = allocations_.find(reinterpret_cast<uintptr_t>(address));
  if (found == allocations_.end() || found->second.device != device) return false;
  used_[device] -= found->second.bytes;
  munmap(found->second.mapping, found->second.mappingBytes);
  allocations_.erase(found);
  return true;
}

Allocation* DeviceMemory::near(const void* address) {
  auto after = allocations_.upper_bound(reinterpret_cast<uintptr_t>(address));
  return after == allocations_.begin() ? nullptr : &(--after)->second;
}

bool DeviceMemory::contains(const void* address, size_t bytes) {
  const Allocation* allocation = near(address);
  return allocation != nullptr && allocation->contains(address, bytes);
}

void DeviceMemory::noteHostWrite(const void* address, size_t bytes) {
  if (Checker::get().enabled()) Checker::get().noteHostWrite(*near(address), address, bytes);
}

}  // namespace sim
