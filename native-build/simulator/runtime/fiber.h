// Fibers: flows of control with their own stacks that take turns on one OS thread.
#pragma once

#include <cstddef>

namespace sim {

/** Saves this flow's context to *from and continues at the context `to`. */
extern "C" void sim_switch_stack(void** from, void* to);

/** Stacks of one size, each between two guard pages. */
class FiberStacks {
 public:
  static constexpr size_t BYTES = 64 << 10;

  explicit FiberStacks(int count);
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  /** A context on stack i that will call `start`, which never returns. */
  void* prepare(int i, void (*start)()) const;

  /** Whether an address is in one of the stacks. */
  bool contains(const void* address) const {
    return static_cast<const char*>(address) >= memory_ && static_cast<const char*>(address) < memory_ + bytes_;
  }
  /** Whether an address is on a guard page: a stack has overflowed. */
  bool isGuard(const void* address) const;

 private:
  char* memory_;
  size_t bytes_;
};

}  // namespace sim
