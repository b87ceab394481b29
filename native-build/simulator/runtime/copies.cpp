#include "copies.h"

#include "block.h"
#include "checker.h"
#include "memory.h"
#include "profiler.h"

#include <cstdint>
#include <cstring>

namespace sim {

void AsyncCopies::clear() {
  if (!underWay_.empty()) underWay_.clear();
  if (!groups_.empty()) groups_.clear();
}

void AsyncCopies::add(void* shared, const void* global, int bytes, int bytesRead, const void* code) {
  if ((reinterpret_cast<uintptr_t>(shared) | reinterpret_cast<uintptr_t>(global)) % bytes != 0) {
    sim::fail("cp.async: misaligned address: %p to %p must be multiples of %d", global, shared, bytes);
  }
  if (bytesRead > 0 && !DeviceMemory::get().contains(global, bytesRead)) {
    sim::fail("cp.async: illegal address %p: not %d bytes of device memory", global, bytesRead);
  }
  Checker::get().noteCopyIssued(shared, global, bytes, bytesRead);
  Profiler::get().copy(shared, global, bytes, bytesRead, code);
  underWay_.push_back({shared, global, bytes, bytesRead});
}

void AsyncCopies::commit() { groups_.push_back(issued()); }

void AsyncCopies::waitFor(int groups) {
  while (static_cast<int>(groups_.size()) > groups) {
    land(groups_.front());
    groups_.pop_front();
  }
}

void AsyncCopies::land(uint64_t count) {
  for (; landed_ < count; landed_++) {
    const Copy copy = underWay_.front();
    underWay_.pop_front();
    std::memcpy(copy.shared, copy.global, copy.bytesRead);
    std::memset(static_cast<char*>(copy.shared) + copy.bytesRead, 0, copy.bytes - copy.bytesRead);
    Checker::get().noteCopyLanded(copy.shared, copy.bytes);
  }
}

}  // namespace sim

// ---- as kernels call them ----

namespace sim {

void copyAsync(void* shared, const void* global, int bytes, int bytesRead) {
  Block::current()->running().copies.add(shared, global, bytes, bytesRead, SIM_CALLER);
}
void commitCopies() { Block::current()->running().copies.commit(); }
void waitForCopies(int groups) { Block::current()->running().copies.waitFor(groups); }

}  // namespace sim
