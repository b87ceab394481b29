// Flows of control with stacks of their own that take turns on one OS thread.
#pragma once

#include <cstddef>

namespace sim {

/** Stores where this flow stands to *from and goes on where `to` was stored. */
extern "C" void sim_switch_stack(void** from, void* to);

/** Stacks of one size, each between two pages that nobody may touch. */
class FiberStacks {
 public:
  static constexpr size_t BYTES = 64 << 10;

  explicit FiberStacks(int count);
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  /** Where stack i stands ready to call `start`, which never returns. */
  void* prepare(int i, void (*start)()) const;

  /** Whether an address lies in one of the stacks. */
  bool contains(const void* address) const {
    return static_cast<const char*>(address) >= memory_ && static_cast<const char*>(address) < memory_ + bytes_;
  }
  /** Whether an address lies on a page between stacks: one has overflowed. */
  bool isGuard(const void* address) const;

 private:
  char* memory_;
  size_t bytes_;
};

}  // namespace sim
