// Runs the threads of one block in turns until all have ended, or one of them has failed.
#pragma once

#include "copies.h"
#include "fiber.h"
#include "kernel_interface.h"
#include "settings.h"

#include <array>
#include <random>
#include <string>
#include <vector>

namespace sim {

/** A thread of the block that runs. */
struct Fiber : ThreadView {
  enum State : uint8_t { READY, AT_BARRIER, IN_WARP, ENDED };

  void* stack;
  unsigned index;
  State state;
  Site site;
  // While in a collective operation of the warp:
  unsigned mask;
  WarpOperation operation;
  void* argument;
  /** What syncThreads returns. */
  int predicates;
  AsyncCopies copies;
};

/** A kernel and its parameters. */
struct Work {
  const KernelEntry* kernel;
  void** parameters;
};

class Block {
 public:
  static constexpr int MAX_THREADS = 1024;
  static constexpr int MAX_WARPS = MAX_THREADS / 32;

  explicit Block(const Settings& settings);

  /** The block whose threads the calling OS thread runs; null between blocks. */
  static Block* current();

  /** False if it failed: `error()` says how. */
  bool run(const Work& work, const BlockView& view);
  const std::string& error() const { return error_; }

  // What a running thread may ask for:
  int syncThreads(Site site, bool predicate);
  void warpCollective(Site site, unsigned mask, WarpOperation operation, void* argument);
  unsigned liveLanes() const;
  Fiber& running() { return *running_; }
  [[noreturn]] void fail(const std::string& message);

  /** Grows with each barrier of the block, over all blocks: two accesses of one interval have no barrier between. */
  uint32_t interval() const { return interval_; }
  /** The interval in which this block began. */
  uint32_t firstInterval() const { return firstInterval_; }
  /** Grows with each __syncwarp of the warp of the running thread. */
  uint16_t warpInterval() const { return warps_[running_->index / 32].interval; }

  const FiberStacks& stacks() const { return stacks_; }
  std::string place() const;

 private:
  struct Warp {
    unsigned lanes;
    unsigned ended;
    uint16_t interval;
  };

  static void threadMain();
  void begin();
  void makeReady(Fiber* const* fibers, int count);
  void shuffleOrder(Fiber** fibers, int count);
  Fiber* takeReady();
  void runNext();
  bool releaseBarrier();
  void releaseWarp(Warp& warp, Fiber* const* lanes, unsigned mask);
  [[noreturn]] void failDeadlocked();
  std::string waiting() const;

  const Order order_;
  std::mt19937 random_;
  FiberStacks stacks_;
  std::array<Fiber, MAX_THREADS> fibers_;
  std::array<Warp, MAX_WARPS> warps_;
  std::array<Fiber*, MAX_THREADS> ready_;
  unsigned readyHead_, readyTail_;
  Work work_;
  BlockView view_;
  int threads_, ended_, atBarrier_;
  Fiber* running_;
  void* runner_;  // where run() stands
  uint32_t interval_ = 1, firstInterval_ = 1;
  std::string error_;
};

}  // namespace sim
