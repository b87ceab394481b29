// What threads of a block wait for apart from the block's barrier: warpgroups, mbarriers, named barriers, registers, flags.
#include "block.h"
#include "checker.h"
#include "profiler.h"
#include "shared_memory.h"

#include <algorithm>

namespace sim {

// ---- warpgroups -----------------------------------------------------------------------------------------------------

void Block::meetWarpgroup(Site site, int argument, WarpgroupOperation operation) {
  Fiber& me = *running_;
  Fiber* first = &fibers_[me.index / WARPGROUP * WARPGROUP];
  if (first->index + WARPGROUP > static_cast<unsigned>(threads_)) fail(std::string(site.what) + ": the warpgroup has less than 128 threads");
  me.state = Fiber::IN_WARPGROUP;
  me.site = site;
  me.warpgroupOperation = operation;
  me.predicates = argument;
  bool complete = true;
  Fiber* threads[WARPGROUP];
  for (int i = 0; i < WARPGROUP; i++) {
    Fiber& other = first[i];
    if (other.state == Fiber::ENDED) fail(std::string(site.what) + ": thread " + std::to_string(other.index) + " of the warpgroup has ended");
    if (other.state == Fiber::IN_WARPGROUP && (other.warpgroupOperation != operation || other.predicates != argument)) {
      fail("divergent warpgroup: at " + std::string(site.what) + ", while thread " + std::to_string(other.index) + " is at another " + other.site.what);
    }
    complete &= other.state == Fiber::IN_WARPGROUP;
    threads[i] = &other;
  }
  if (complete) {
    operation(*this, threads, argument);
    makeReady(threads, WARPGROUP);
  }
  runNext();
}

/** setmaxnreg: a warpgroup returns registers to the block, or waits until it can get more. */
void Block::setRegisters(int registers, bool more, Site site) {
  if (registers % 8 != 0 || registers < 24 || registers > 256) fail("setmaxnreg: " + std::to_string(registers) + " is not a multiple of 8 from 24 to 256");
  if (work_.registers == 0) fail("setmaxnreg: the kernel has no launch bounds");
  const Registers& mine = registers_[running_->index / WARPGROUP];
  if (more ? mine.now > registers : mine.now < registers) {
    fail(std::string(site.what) + " to " + std::to_string(registers) + ": the thread has " + std::to_string(mine.now));
  }
  const auto operation = [](Block& block, Fiber* const* threads, int wanted) {
    Registers& mine = block.registers_[threads[0]->index / WARPGROUP];
    mine.wanted = wanted;
    mine.asked = true;
    block.grantRegisters();
  };
  meetWarpgroup(site, registers, operation);
  while (mine.now != registers) {
    running_->state = Fiber::FOR_REGISTERS;
    runNext();
  }
}

void Block::grantRegisters() {
  constexpr int FEWEST = 24;
  const int groups = threads_ / WARPGROUP, pool = groups * work_.registers;
  int used = 0, needed = 0;
  std::string all;
  for (int g = 0; g < groups; g++) {
    Registers& mine = registers_[g];
    if (mine.asked && mine.wanted < mine.now) mine.now = mine.wanted;
    used += mine.now;
    needed += mine.asked ? mine.wanted : FEWEST;
    all += (g == 0 ? "" : " + ") + std::to_string(mine.asked ? mine.wanted : FEWEST);
  }
  if (needed > pool) {
    fail("setmaxnreg: " + all + " registers of the warpgroups' threads are more than the " + std::to_string(pool) + " (" +
         std::to_string(groups) + " x " + std::to_string(work_.registers) + ") that the block was launched with: a device would hang");
  }
  for (int g = 0; g < groups; g++) {
    Registers& mine = registers_[g];
    if (mine.now == mine.wanted || used - mine.now + mine.wanted > pool) continue;
    used += mine.wanted - mine.now;
    mine.now = mine.wanted;
    Fiber* waiting[WARPGROUP];
    int count = 0;
    for (int i = 0; i < WARPGROUP; i++) {
      Fiber& fiber = fibers_[g * WARPGROUP + i];
      if (fiber.state == Fiber::FOR_REGISTERS) waiting[count++] = &fiber;
    }
    makeReady(waiting, count);
  }
}

// ---- mbarriers ------------------------------------------------------------------------------------------------------

void Block::initMbarrier(void* address, int arrivals) {
  if (reinterpret_cast<uintptr_t>(address) % 8 != 0) fail("mbarrier: misaligned address, not a multiple of 8");
  if (!SharedMemory::current()->all().contains(address)) fail("mbarrier: illegal address: not in shared memory");
  if (arrivals < 1 || arrivals >= 1 << 20) fail("mbarrier: " + std::to_string(arrivals) + " arrivals");
  Checker::get().noteAccess(address, 8, Access::WRITE, nullptr);
  Mbarrier& mbarrier = mbarriers_[address] = {};
  mbarrier.word = static_cast<uint64_t*>(address);
  mbarrier.arrivals = mbarrier.left = arrivals;
  *mbarrier.word = mbarrier.expectedWord();
}

Mbarrier& Block::mbarrierAt(void* address) {
  const auto found = mbarriers_.find(address);
  if (found == mbarriers_.end()) fail("mbarrier: not initialised");
  if (*found->second.word != found->second.expectedWord()) fail("mbarrier: overwritten by something else");
  Checker::get().noteAccess(address, 8, Access::READ, nullptr);  // of what initMbarrier wrote: that write must be ordered before
  return found->second;
}

void Block::arriveAtMbarrier(void* address) { arrive(mbarrierAt(address), *running_); }

void Block::arrive(Mbarrier& mbarrier, const Fiber& fiber) {
  Checker::get().leave(fiber, mbarrier.board);
  if (--mbarrier.left > 0) return;
  mbarrier.left = mbarrier.arrivals;
  mbarrier.parity ^= 1;
  *mbarrier.word = mbarrier.expectedWord();
  mbarrier.complete = mbarrier.board.read();
  makeReady(mbarrier.waiting);
}

void Block::waitForMbarrier(void* address, unsigned parity, Site site) {
  if (parity > 1) fail("mbarrier: parity " + std::to_string(parity));
  Mbarrier& mbarrier = mbarrierAt(address);
  Fiber& me = *running_;
  while (mbarrier.parity == parity) {
    me.state = Fiber::AT_MBARRIER;
    me.site = site;
    me.mbarrier = &mbarrier;
    mbarrier.waiting.push_back(&me);
    runNext();
  }
  Checker::get().learn(me, mbarrier.complete);
}

void Block::arriveAfterCopies(void* address) { landings_.push_back({running_, running_->copies.issued(), &mbarrierAt(address)}); }

/** No thread can continue: copies land until one can. */
bool Block::landCopies() {
  Fiber* const before = running_;
  while (readyHead_ == readyTail_ && !landings_.empty()) {
    const Landing landing = landings_.front();
    landings_.pop_front();
    running_ = landing.fiber;  // these accesses are attributed to it
    landing.fiber->copies.land(landing.copies);
    arrive(*landing.mbarrier, *landing.fiber);
  }
  running_ = before;
  return readyHead_ != readyTail_;
}

// ---- named barriers -------------------------------------------------------------------------------------------------

void Block::namedBarrier(int id, int threads, bool wait, Site site) {
  if (id < 1 || id > 15) fail(std::string(site.what) + ": there is no named barrier " + std::to_string(id));
  if (threads % 32 != 0 || threads < 32 || threads > threads_) fail(std::string(site.what) + ": " + std::to_string(threads) + " threads");
  NamedBarrier& barrier = namedBarriers_[id];
  namedBarriersUsed_ = true;
  if (barrier.arrived > 0 && barrier.threads != threads) {
    fail(std::string(site.what) + ": barrier " + std::to_string(id) + " is of " + std::to_string(threads) + " threads here, of " +
         std::to_string(barrier.threads) + " for others");
  }
  Fiber& me = *running_;
  barrier.threads = threads;
  barrier.arrived++;
  Checker::get().leave(me, barrier.board);
  if (wait) {
    me.state = Fiber::AT_NAMED_BARRIER;
    me.site = site;
    barrier.waiting.push_back(&me);
  }
  if (barrier.arrived == threads) {
    const Knowledge all = barrier.board.read();
    for (Fiber* fiber : barrier.waiting) Checker::get().learn(*fiber, all);
    barrier.board.clear();
    barrier.arrived = 0;
    makeReady(barrier.waiting);
  }
  if (wait) runNext();
}

// ---- other blocks ---------------------------------------------------------------------------------------------------

void Block::beforeAtomic(const void* address) {
  if (!mbarriers_.empty() && !SharedMemory::current()->all().contains(address)) obey(residents_->giveWay());
}

void Block::storeRelease(int* flag, int value) {
  obey(residents_->giveWay());
  Checker::get().noteAccess(flag, 4, Access::ATOMIC, nullptr);
  Checker::get().leave(*running_, flag);
  __atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

void Block::waitForFlag(const int* flag, int least, Site site) {
  Fiber& me = *running_;
  Checker::get().noteAccess(flag, 4, Access::ATOMIC, nullptr);
  if (__atomic_load_n(flag, __ATOMIC_ACQUIRE) < least) {
    me.state = Fiber::FOR_FLAG;
    me.site = site;
    me.flag = flag;
    me.least = least;
    waitingForFlags_.push_back(&me);
    runNext();
  }
  Checker::get().learn(me, flag);
}

unsigned Block::addAcqRel(unsigned* counter, unsigned value) {
  beforeAtomic(counter);
  const int* flag = reinterpret_cast<const int*>(counter);
  Checker::get().noteAccess(counter, sizeof *counter, Access::ATOMIC, nullptr);
  Checker::get().learn(*running_, flag);
  Checker::get().leave(*running_, flag);
  return __atomic_fetch_add(counter, value, __ATOMIC_ACQ_REL);
}

/** No thread can continue: wakes those whose flags other blocks have set; if there are none, other blocks get their turn. */
void Block::waitForOthers() {
  if (waitingForFlags_.empty()) fail("deadlock: no thread can continue:" + waiting());
  const auto later = std::stable_partition(waitingForFlags_.begin(), waitingForFlags_.end(), [](const Fiber* fiber) {
    return __atomic_load_n(fiber->flag, __ATOMIC_ACQUIRE) < fiber->least;
  });
  if (later != waitingForFlags_.end()) {
    makeReady(&*later, static_cast<int>(waitingForFlags_.end() - later));
    waitingForFlags_.erase(later, waitingForFlags_.end());
    return;
  }
  const Residents::Answer answer = residents_->pass(*this, progress_);
  progress_ = false;
  if (answer == Residents::Answer::DEADLOCK) {
    fail("deadlock: all resident blocks are waiting for others:" + waiting() + residents_->waiting(*this));
  }
  obey(answer);
}

void Block::obey(Residents::Answer answer) {
  if (answer != Residents::Answer::STOP) return;
  stopped_ = true;
  leave();
}

// ---- as kernels call them -------------------------------------------------------------------------------------------

namespace {

void* pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

}  // namespace

uint32_t sharedOffset(uintptr_t address) { return SharedMemory::current()->offsetOf(pointer(address)); }
void mbarrierInit(uintptr_t barrier, int arrivals) { Block::current()->initMbarrier(pointer(barrier), arrivals); }
void mbarrierArrive(uintptr_t barrier) { Block::current()->arriveAtMbarrier(pointer(barrier)); }
void mbarrierArriveAfterCopies(uintptr_t barrier) { Block::current()->arriveAfterCopies(pointer(barrier)); }
void mbarrierWait(uintptr_t barrier, uint32_t parity, int line) {
  Profiler::get().meet(Event::MBARRIER_WAIT, SIM_CALLER);
  Block::current()->waitForMbarrier(pointer(barrier), parity, {"an mbarrier", line});
}
void barrierSync(int id, int threads, int line) {
  Profiler::get().meet(Event::NAMED_BARRIER, SIM_CALLER);
  Block::current()->namedBarrier(id, threads, true, {"bar.sync", line});
}
void barrierArrive(int id, int threads, int line) { Block::current()->namedBarrier(id, threads, false, {"bar.arrive", line}); }
void proxyFence() { Checker::get().fenceProxies(Block::current()->running()); }
void moreRegisters(int registers, int line) { Block::current()->setRegisters(registers, true, {"setmaxnreg.inc", line}); }
void fewerRegisters(int registers, int line) { Block::current()->setRegisters(registers, false, {"setmaxnreg.dec", line}); }
void storeRelease(int* flag, int value) {
  Profiler::get().meet(Event::FLAG, SIM_CALLER);
  Block::current()->storeRelease(flag, value);
}
void waitAcquire(const int* flag, int least, int line) {
  Profiler::get().meet(Event::FLAG, SIM_CALLER);
  Block::current()->waitForFlag(flag, least, {"waitAcquire", line});
}
void letNextKernelBegin() {}  // one kernel runs at a time
void waitForPreviousKernel() { Checker::get().waitForPreviousKernel(Block::current()->running()); }
unsigned addAcqRel(unsigned* counter, unsigned value) {
  Profiler::get().meet(Event::FLAG, SIM_CALLER);
  return Block::current()->addAcqRel(counter, value);
}

}  // namespace sim
