// Runs the threads of one block in turns until all have ended, or one of them has failed.
#pragma once

#include "copies.h"
#include "fiber.h"
#include "kernel_interface.h"
#include "knowledge.h"
#include "products.h"
#include "residents.h"
#include "settings.h"

#include <array>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace sim {

class Block;
struct Fiber;
struct Mbarrier;

/** Done once when the last thread of a warpgroup has come. */
using WarpgroupOperation = void (*)(Block& block, Fiber* const* threads, int argument);

/** A thread of the block that runs. */
struct Fiber : ThreadView {
  enum State : uint8_t { READY, AT_BARRIER, IN_WARP, IN_WARPGROUP, AT_NAMED_BARRIER, AT_MBARRIER, FOR_REGISTERS, FOR_FLAG, ENDED };

  void* stack;
  unsigned index;
  State state;
  Site site;
  // While in a collective operation of the warp or the warpgroup:
  unsigned mask;
  WarpOperation operation;
  void* argument;
  WarpgroupOperation warpgroupOperation;
  /** What syncThreads returns. */
  int predicates;
  // What it waits for:
  const Mbarrier* mbarrier;
  const int* flag;
  int least;
  AsyncCopies copies;
  Products products;
  Witness witness;
};

/** An mbarrier: the word in shared memory says that it is one, the rest is kept here. */
struct Mbarrier {
  uint64_t* word;
  unsigned arrivals, left;
  /** That of the phase that is not complete; the word changes with each. */
  unsigned parity;
  std::vector<Fiber*> waiting;
  Board board;
  /** What was left at the board in phases that are complete. */
  Knowledge complete;

  uint64_t expectedWord() const { return uint64_t{0x6d626172} << 32 | parity << 31 | arrivals; }
};

/** A named barrier. */
struct NamedBarrier {
  int threads = 0, arrived = 0;
  std::vector<Fiber*> waiting;
  Board board;
};

/** A kernel and its parameters; the registers of each thread at first. */
struct Work {
  const KernelEntry* kernel;
  void** parameters;
  int registers;
};

class Block {
 public:
  static constexpr int MAX_THREADS = 1024;
  static constexpr int MAX_WARPS = MAX_THREADS / 32;

  /** STOPPED: because another block has failed. */
  enum Ending { DONE, FAILED, STOPPED };

  explicit Block(const Settings& settings);

  /** The block whose threads the calling OS thread runs; null between blocks. */
  static Block* current();

  /** FAILED: `error()` says how. `osThread`: its number among those of the launch. */
  Ending run(const Work& work, const BlockView& view, Residents& residents, int osThread);
  const std::string& error() const { return error_; }

  // What a running thread may ask for:
  int syncThreads(Site site, bool predicate);
  void warpCollective(Site site, unsigned mask, WarpOperation operation, void* argument);
  void meetWarpgroup(Site site, int argument, WarpgroupOperation operation);
  unsigned liveLanes() const;
  void initMbarrier(void* address, int arrivals);
  void arriveAtMbarrier(void* address);
  void arriveAfterCopies(void* address);
  void waitForMbarrier(void* address, unsigned parity, Site site);
  void namedBarrier(int id, int threads, bool wait, Site site);
  void setRegisters(int registers, bool more, Site site);
  void storeRelease(int* flag, int value);
  void waitForFlag(const int* flag, int least, Site site);
  /** Blocks with mbarriers may share work out: they are interleaved at each atomic. */
  void beforeAtomic(const void* address);
  Fiber& running() { return *running_; }
  [[noreturn]] void fail(const std::string& message);

  /** When it began, in the checked build. */
  Stamp firstStamp() const { return firstStamp_; }
  /** Its threads' numbers among those of all blocks: so many, from a multiple of it on. */
  unsigned numbers() const { return (threads_ + 31u) / 32 * 32; }
  /** Whether a warp of that number among those of all blocks is one of its own, or of an earlier block with its number. */
  bool has(unsigned warp) const { return warp * 32 / numbers() == number_; }

  const FiberStacks& stacks() const { return stacks_; }
  std::string place() const;
  std::string indexText() const;
  /** Which threads wait where, neighbours together. */
  std::string waiting() const;

 private:
  struct Warp {
    unsigned lanes;
    unsigned ended;
  };
  /** Arrivals that copies bring when they land. */
  struct Landing {
    Fiber* fiber;
    uint64_t copies;
    Mbarrier* mbarrier;
  };
  /** Registers a thread of a warpgroup has, and asks for. */
  struct Registers {
    int now, wanted;
    bool asked;
  };

  static void threadMain();
  void begin();
  void makeReady(Fiber* const* fibers, int count);
  void makeReady(std::vector<Fiber*>& fibers);
  void shuffleOrder(Fiber** fibers, int count);
  Fiber* takeReady();
  void runNext();
  bool releaseBarrier();
  void releaseWarp(Fiber* const* lanes, unsigned mask);
  Mbarrier& mbarrierAt(void* address);
  void arrive(Mbarrier& mbarrier, const Fiber& fiber);
  bool landCopies();
  void grantRegisters();
  void waitForOthers();
  void obey(Residents::Answer answer);
  [[noreturn]] void leave();
  std::string detail(const Fiber& fiber) const;

  const Order order_;
  std::mt19937 random_;
  FiberStacks stacks_;
  std::array<Fiber, MAX_THREADS> fibers_;
  std::array<Warp, MAX_WARPS> warps_;
  std::array<Fiber*, MAX_THREADS> ready_;
  unsigned readyHead_, readyTail_;
  std::unordered_map<void*, Mbarrier> mbarriers_;
  std::array<NamedBarrier, 16> namedBarriers_;
  bool namedBarriersUsed_ = false;
  std::deque<Landing> landings_;
  std::array<Registers, MAX_THREADS / WARPGROUP> registers_;
  std::vector<Fiber*> waitingForFlags_;
  Work work_;
  BlockView view_;
  Residents* residents_;
  unsigned number_;
  int threads_, ended_, atBarrier_;
  Fiber* running_;
  void* runner_;  // where run() stands
  bool stopped_;
  /** Whether a thread went on since the block last passed its turn on. */
  bool progress_;
  Stamp firstStamp_;
  std::string error_;
};

}  // namespace sim
