#include "faults.h"

#include "block.h"
#include "memory.h"

#include <signal.h>
#include <sys/mman.h>

#include <cstdio>
#include <mutex>

namespace sim {
namespace {

constexpr size_t HANDLER_STACK = 64 << 10;

struct sigaction segvBefore, busBefore;

void passOn(int signal, siginfo_t* info, void* context) {
  const struct sigaction& before = signal == SIGSEGV ? segvBefore : busBefore;
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    sigaction(signal, &before, nullptr);  // the instruction is retried and ends the process
  }
}

std::string describe(const Block& block, const siginfo_t* info) {
  // A misaligned 16-byte access is not a page fault: the CPU reports no address.
  if (info->si_code == SI_KERNEL) return "misaligned or illegal address";
  if (block.stacks().isGuard(info->si_addr)) return "a thread's stack overflows: its local memory is too large for the simulator";
  const Allocation* allocation = DeviceMemory::get().near(info->si_addr);
  char text[200];
  if (allocation == nullptr) {
    std::snprintf(text, sizeof text, "illegal address %p", info->si_addr);
  } else {
    std::snprintf(text, sizeof text, "illegal address %p, %zd bytes after the start of %zu bytes of device memory", info->si_addr,
                  static_cast<const char*>(info->si_addr) - allocation->address, allocation->bytes);
  }
  return text;
}

void onFault(int signal, siginfo_t* info, void* context) {
  Block* block = Block::current();
  if (block == nullptr) return passOn(signal, info, context);
  // fail() leaves this handler by switching stacks: the signal must not stay blocked.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  block->fail(describe(*block, info));
}

void install() {
  struct sigaction action {};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigaction(SIGSEGV, &action, &segvBefore);
  sigaction(SIGBUS, &action, &busBefore);
}

}  // namespace

void prepareForFaults() {
  static std::once_flag once;
  std::call_once(once, install);
  stack_t stack{};  // the thread's own stack may have overflowed
  stack.ss_size = HANDLER_STACK;
  stack.ss_sp = mmap(nullptr, HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sigaltstack(&stack, nullptr);
}

}  // namespace sim
