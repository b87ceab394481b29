#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

// The callee-saved registers, then the stack. x86-64 System V only.
asm(R"(
.text
.globl sim_switch_stack
.hidden sim_switch_stack
.type sim_switch_stack, @function
sim_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sim_switch_stack, . - sim_switch_stack
)");

namespace sim {
namespace {

constexpr size_t PAGE = 4096;
constexpr size_t STRIDE = FiberStacks::BYTES + PAGE;
constexpr int SAVED_REGISTERS = 6;

}  // namespace

FiberStacks::FiberStacks(int count) : bytes_(STRIDE * count + PAGE) {
  constexpr int FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* memory = mmap(nullptr, bytes_, PROT_NONE, FLAGS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("CUDA simulator: no memory for the stacks of threads");
    std::abort();
  }
  memory_ = static_cast<char*>(memory);
  for (int i = 0; i < count; i++) mprotect(memory_ + i * STRIDE + PAGE, BYTES, PROT_READ | PROT_WRITE);
}

void* FiberStacks::prepare(int i, void (*start)()) const {
  // Stack tops at equal offsets in their pages would fall into the same few cache lines.
  const size_t stagger = 64 * (i * 7 % 61 + 1);
  auto top = reinterpret_cast<uintptr_t>(memory_ + (i + 1) * STRIDE - stagger) & ~uintptr_t{15};
  auto** stack = reinterpret_cast<void**>(top);
  *--stack = nullptr;  // the return address of start; also aligns its frame
  *--stack = reinterpret_cast<void*>(start);
  for (int r = 0; r < SAVED_REGISTERS; r++) *--stack = nullptr;
  return stack;
}

bool FiberStacks::isGuard(const void* address) const {
  return contains(address) && (static_cast<const char*>(address) - memory_) % STRIDE < PAGE;
}

}  // namespace sim
