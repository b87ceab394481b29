#include "shared_memory.h"

#include <algorithm>
#include <cstring>

extern "C" void* __tls_get_addr(void* moduleAndOffset);

namespace sim {
namespace {

__attribute__((tls_model("initial-exec"))) __thread const SharedMemory* theSharedMemory;

constexpr int POISON = 0xff;
/** Bytes after the dynamic arrays that are checked after each block. */
constexpr size_t CANARY = 64;
/** The system's own share at the start of a block's shared memory. */
constexpr uint32_t RESERVED = 1024;
/** Static arrays come after the largest dynamic one. */
constexpr uint32_t STATIC = 228 << 10;

}  // namespace

SharedMemory::SharedMemory(const Module& module) : module_(module) {
  struct {
    unsigned long module, offset;
  } start{module.tlsModule, 0};
  all_ = {module.tlsBytes == 0 ? nullptr : static_cast<char*>(__tls_get_addr(&start)), module.tlsBytes};
  for (const auto& array : module.dynamicArrays) dynamic_.push_back({static_cast<char*>(array.address()), array.bytes});
  std::sort(dynamic_.begin(), dynamic_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
}

const SharedMemory* SharedMemory::current() { return theSharedMemory; }

void SharedMemory::prepare(size_t dynamicBytes) {
  dynamicBytes_ = dynamicBytes;
  theSharedMemory = this;
  char* next = all_.first;
  for (const Range& array : dynamic_) {
    std::memset(next, POISON, array.first - next);
    std::memset(array.first, POISON, std::min(array.bytes, dynamicBytes + CANARY));
    next = array.first + array.bytes;
  }
  if (next != nullptr) std::memset(next, POISON, all_.first + all_.bytes - next);
}

bool SharedMemory::isIntact() const {
  for (const Range& array : dynamic_) {
    const char* end = array.first + std::min(array.bytes, dynamicBytes_ + CANARY);
    for (const char* p = array.first + std::min(array.bytes, dynamicBytes_); p < end; p++) {
      if (static_cast<unsigned char>(*p) != POISON) return false;
    }
  }
  return true;
}

const char* SharedMemory::at(uint32_t offset, size_t bytes) const {
  if (offset >= STATIC) {
    const char* address = all_.first - reinterpret_cast<uintptr_t>(all_.first) % RESERVED + (offset - STATIC);
    return address >= all_.first && address + bytes <= all_.first + all_.bytes ? address : nullptr;
  }
  if (dynamic_.size() != 1 || offset < RESERVED || offset - RESERVED + bytes > dynamicBytes_) return nullptr;
  return dynamic_.front().first + (offset - RESERVED);
}

uint32_t SharedMemory::offsetOf(const void* address) const {
  if (const Range* array = dynamicArray(address)) return static_cast<const char*>(address) - array->first + RESERVED;
  return static_cast<const char*>(address) - all_.first + reinterpret_cast<uintptr_t>(all_.first) % RESERVED + STATIC;
}

const Range* SharedMemory::dynamicArray(const void* address) const {
  for (const Range& array : dynamic_) {
    if (array.contains(address)) return &array;
  }
  return nullptr;
}

}  // namespace sim
