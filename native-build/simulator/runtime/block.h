// Runs the threads of one block in turns until all have ended or one has failed.
#pragma once

#include "copies.h"
#include "fiber.h"
#include "kernel_interface.h"
#include "knowledge.h"
#include "products.h"
#include "requests.h"
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

/** Called once when the last thread of a warpgroup has arrived. */
using WarpgroupOperation = void (*)(Block& block, Fiber* const* threads, int argument);

/** A thread of the running block. */
struct Fiber : ThreadView {
  enum State : uint8_t { READY, AT_BARRIER, IN_WARP, IN_WARPGROUP, AT_NAMED_BARRIER, AT_MBARRIER, FOR_REGISTERS, FOR_FLAG, ENDED };

  void* stack;
  unsigned index;
  State state;
  /** Whether it has waited for the kernels before this one, if that is overlapped. */
  bool waited;
  Site site;
  /** The call site of its warp's collective operation. */
  const void* code;
  // While in a collective operation of the warp or the warpgroup:
  unsigned mask;
  WarpOperation operation;
  void* argument;
  WarpgroupOperation warpgroupOperation;
  /** What syncThreads returns. */
  int predicates;
  // What it is waiting for:
  const Mbarrier* mbarrier;
  const int* flag;
  int least;
  AsyncCopies copies;
  Products products;
  Witness witness;
};

/** An mbarrier: a word in shared memory marks it, the rest is kept here. */
struct Mbarrier {
  uint64_t* word;
  unsigned arrivals, left;
  /** The parity of the current phase; the word changes with each phase. */
  unsigned parity;
  std::vector<Fiber*> waiting;
  Board board;
  /** The knowledge published in completed phases. */
  Knowledge complete;

  uint64_t expectedWord() const { return uint64_t{0x6d626172} << 32 | parity << 31 | arrivals; }
};

/** A named barrier. */
struct NamedBarrier {
  int threads = 0, arrived = 0;
  std::vector<Fiber*> waiting;
  Board board;
};

/** A kernel and its parameters; the initial registers of each thread. */
struct Work {
  const KernelEntry* kernel;
  void** parameters;
  int registers;
};

class Block {
 public:
  static constexpr int MAX_THREADS = 1024;
  static constexpr int MAX_WARPS = MAX_THREADS / 32;

  /** STOPPED: another block has failed. */
  enum Ending { DONE, FAILED, STOPPED };

  explicit Block(const Settings& settings);

  /** The block that the calling OS thread is running; null between blocks. */
  static Block* current();

  /** FAILED: see `error()`. `osThread`: its number in the launch. */
  Ending run(const Work& work, const BlockView& view, Residents& residents, int osThread);
  const std::string& error() const { return error_; }

  // Services for a running thread:
  int syncThreads(Site site, bool predicate);
  void warpCollective(Site site, unsigned mask, WarpOperation operation, void* argument, const void* code);
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
  unsigned addAcqRel(unsigned* counter, unsigned value);
  /** Blocks with mbarriers may distribute work: they are interleaved at each atomic. */
  void beforeAtomic(const void* address);
  Fiber& running() { return *running_; }
  /** The requests of its warps, in the profile build. */
  Requests& requests() { return requests_; }
  [[noreturn]] void fail(const std::string& message);

  /** When it started, in the checked build. */
  Stamp firstStamp() const { return firstStamp_; }
  /** The range of its threads' numbers among all blocks, starting at a multiple of its size. */
  unsigned numbers() const { return (threads_ + 31u) / 32 * 32; }
  /** Whether the warp with this global number is its own, or of an earlier block with the same number. */
  bool has(unsigned warp) const { return warp * 32 / numbers() == number_; }

  const FiberStacks& stacks() const { return stacks_; }
  std::string place() const;
  std::string indexText() const;
  /** Describes which threads wait where, with neighbours grouped. */
  std::string waiting() const;

 private:
  struct Warp {
    unsigned lanes;
    unsigned ended;
  };
  /** Arrivals made by copies when they land. */
  struct Landing {
    Fiber* fiber;
    uint64_t copies;
    Mbarrier* mbarrier;
  };
  /** Registers that a thread of a warpgroup has and requests. */
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
  Requests requests_;
  Work work_;
  BlockView view_;
  Residents* residents_;
  unsigned number_;
  int threads_, ended_, atBarrier_;
  Fiber* running_;
  void* runner_;  // the context of run()
  bool stopped_;
  /** Whether any thread has made progress since the block last passed on its turn. */
  bool progress_;
  Stamp firstStamp_;
  std::string error_;
};

}  // namespace sim
