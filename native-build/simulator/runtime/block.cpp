#include "block.h"

#include "checker.h"
#include "memory.h"
#include "profiler.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace sim {

SIM_WORKER_LOCAL const ThreadView* thisThread;
SIM_WORKER_LOCAL const BlockView* thisBlock;

namespace {

__attribute__((tls_model("initial-exec"))) __thread Block* theBlock;

constexpr unsigned READY_MASK = Block::MAX_THREADS - 1;

bool sameSite(const Site& a, const Site& b) { return a.what == b.what && a.line == b.line; }

}  // namespace

Block::Block(const Settings& settings) : order_(settings.order), random_(settings.seed), stacks_(MAX_THREADS) {}

Block* Block::current() { return theBlock; }

// ---- from the first thread to the last ------------------------------------------------------------------------------

Block::Ending Block::run(const Work& work, const BlockView& view, Residents& residents, int osThread) {
  work_ = work;
  view_ = view;
  residents_ = &residents;
  number_ = Checker::get().numberOfBlock(osThread);
  begin();
  theBlock = this;
  thisBlock = &view_;
  running_ = takeReady();
  thisThread = running_;
  sim_switch_stack(&runner_, running_->stack);
  Profiler::get().endBlock();
  theBlock = nullptr;
  return !error_.empty() ? FAILED : stopped_ ? STOPPED : DONE;
}

void Block::begin() {
  const dim3 size = view_.blockSize;
  threads_ = static_cast<int>(size.x * size.y * size.z);
  ended_ = atBarrier_ = 0;
  readyHead_ = readyTail_ = 0;
  error_.clear();
  stopped_ = false;
  progress_ = true;
  warps_.fill({0, 0});
  if (!mbarriers_.empty()) mbarriers_.clear();
  if (namedBarriersUsed_) namedBarriers_.fill({});
  namedBarriersUsed_ = false;
  landings_.clear();
  registers_.fill({work_.registers, work_.registers, false});
  waitingForFlags_.clear();
  Fiber* all[MAX_THREADS];
  for (int i = 0; i < threads_; i++) {
    Fiber& fiber = fibers_[i];
    fiber.threadIndex = {i % size.x, i / size.x % size.y, i / (size.x * size.y)};
    fiber.lane = i % 32;
    fiber.index = i;
    fiber.stack = stacks_.prepare(i, threadMain);
    fiber.site = {"its start", 0};
    fiber.waited = false;
    fiber.copies.clear();
    fiber.products.clear();
    warps_[i / 32].lanes |= 1u << fiber.lane;
    all[i] = &fiber;
  }
  firstStamp_ = Checker::get().beginBlock(fibers_.data(), threads_, number_ * numbers());
  makeReady(all, threads_);
}

void Block::threadMain() {
  Block& block = *theBlock;
  block.work_.kernel->call(block.work_.parameters);
  Fiber& me = block.running();
  me.state = Fiber::ENDED;
  block.ended_++;
  block.warps_[me.index / 32].ended |= 1u << me.lane;
  block.runNext();
  __builtin_unreachable();
}

// ---- turns ----------------------------------------------------------------------------------------------------------

void Block::makeReady(Fiber* const* fibers, int count) {
  Fiber* ordered[MAX_THREADS];
  std::copy(fibers, fibers + count, ordered);
  if (order_ != Order::FORWARD) shuffleOrder(ordered, count);
  for (int i = 0; i < count; i++) {
    ordered[i]->state = Fiber::READY;
    ready_[readyTail_++ & READY_MASK] = ordered[i];
  }
}

void Block::shuffleOrder(Fiber** fibers, int count) {
  switch (order_) {
    case Order::FORWARD:
      break;
    case Order::REVERSE:
      std::reverse(fibers, fibers + count);
      break;
    case Order::RANDOM:
      std::shuffle(fibers, fibers + count, random_);
      break;
    case Order::GREEDY: {  // warps in any order, the lanes of each in ascending or descending order
      uint32_t rank[MAX_WARPS];
      for (auto& r : rank) r = random_();
      const bool downwards = random_() & 1;
      std::sort(fibers, fibers + count, [&](const Fiber* a, const Fiber* b) {
        if (a->index / 32 != b->index / 32) return rank[a->index / 32] < rank[b->index / 32];
        return downwards ? a->lane > b->lane : a->lane < b->lane;
      });
    }
  }
}

Fiber* Block::takeReady() {
  if (order_ == Order::GREEDY) return ready_[--readyTail_ & READY_MASK];
  if (order_ == Order::RANDOM) {
    const unsigned other = readyHead_ + random_() % (readyTail_ - readyHead_);
    std::swap(ready_[readyHead_ & READY_MASK], ready_[other & READY_MASK]);
  }
  return ready_[readyHead_++ & READY_MASK];
}

void Block::makeReady(std::vector<Fiber*>& fibers) {
  makeReady(fibers.data(), static_cast<int>(fibers.size()));
  fibers.clear();
}

/** The running thread cannot continue: passes the turn to another. Returns at its next turn. */
void Block::runNext() {
  while (readyHead_ == readyTail_ && !releaseBarrier() && !landCopies()) {
    if (ended_ == threads_) leave();
    waitForOthers();
  }
  progress_ = true;
  Fiber* before = running_;
  running_ = takeReady();
  if (running_ == before) return;
  thisThread = running_;
  sim_switch_stack(&before->stack, running_->stack);
}

/** The end of run(). */
void Block::leave() {
  void* nowhere;
  sim_switch_stack(&nowhere, runner_);
  __builtin_unreachable();
}

// ---- the barrier of the block ---------------------------------------------------------------------------------------

int Block::syncThreads(Site site, bool predicate) {
  Fiber& me = *running_;
  me.state = Fiber::AT_BARRIER;
  me.site = site;
  me.predicates = predicate;
  atBarrier_++;
  runNext();
  return me.predicates;
}

/** Releases all threads once all live ones have arrived; they must be at the same site. */
bool Block::releaseBarrier() {
  if (atBarrier_ == 0 || atBarrier_ + ended_ < threads_) return false;
  Fiber* waiting[MAX_THREADS];
  int count = 0, predicates = 0;
  for (int i = 0; i < threads_; i++) {
    if (fibers_[i].state != Fiber::AT_BARRIER) continue;
    waiting[count++] = &fibers_[i];
    predicates += fibers_[i].predicates;
  }
  if (ended_ > 0) fail("divergent barrier: some threads have ended, others wait:" + this->waiting());
  for (int i = 0; i < count; i++) {
    if (!sameSite(waiting[i]->site, waiting[0]->site)) fail("divergent barrier: threads wait in several places:" + this->waiting());
    waiting[i]->predicates = predicates;
  }
  atBarrier_ = 0;
  Checker::get().meet(waiting, count);
  Profiler::get().blockMet();
  makeReady(waiting, count);
  return true;
}

// ---- warps ----------------------------------------------------------------------------------------------------------

void Block::warpCollective(Site site, unsigned mask, WarpOperation operation, void* argument, const void* code) {
  Fiber& me = *running_;
  Warp& warp = warps_[me.index / 32];
  if (!(mask >> me.lane & 1)) fail(std::string(site.what) + ": the calling lane is not in its own mask");
  if (mask & warp.ended) fail(std::string(site.what) + ": the mask has lanes that have ended");
  me.state = Fiber::IN_WARP;
  me.site = site;
  me.mask = mask;
  me.operation = operation;
  me.code = code;
  me.argument = argument;
  Fiber* lanes[32];
  bool complete = true;
  const unsigned needed = mask & warp.lanes;
  for (unsigned left = needed; left != 0 && complete; left &= left - 1) {
    const int lane = __builtin_ctz(left);
    Fiber& other = fibers_[me.index / 32 * 32 + lane];
    complete = other.state == Fiber::IN_WARP && other.operation == operation && other.mask == mask && sameSite(other.site, site);
    lanes[lane] = &other;
  }
  if (complete) releaseWarp(lanes, needed);
  runNext();
}

void Block::releaseWarp(Fiber* const* lanes, unsigned mask) {
  void* arguments[32];
  Fiber* released[32];
  int count = 0;
  for (unsigned left = mask; left != 0; left &= left - 1) {
    const int lane = __builtin_ctz(left);
    arguments[lane] = lanes[lane]->argument;
    released[count++] = lanes[lane];
  }
  const WarpOperation operation = running_->operation;
  Profiler& profiler = Profiler::get();
  profiler.beginCollective(running_->site.what, running_->code, mask);
  if (operation != nullptr) {
    operation(arguments, mask);
  } else {
    Checker::get().meet(released, count);  // __syncwarp orders memory; other collectives do not
  }
  profiler.endCollective();
  if (mask == liveLanes()) profiler.warpMet(running_->index / 32);
  makeReady(released, count);
}

unsigned Block::liveLanes() const {
  const Warp& warp = warps_[running_->index / 32];
  return warp.lanes & ~warp.ended;
}

// ---- errors ---------------------------------------------------------------------------------------------------------

std::string Block::indexText() const {
  const auto [x, y, z] = view_.blockIndex;
  char text[60];
  std::snprintf(text, sizeof text, "(%u, %u, %u)", x, y, z);
  return text;
}

std::string Block::place() const {
  const auto [x, y, z] = running_->threadIndex;
  char text[60];
  std::snprintf(text, sizeof text, ", thread (%u, %u, %u)", x, y, z);
  return std::string("kernel ") + work_.kernel->name + ", block " + indexText() + text;
}

void Block::fail(const std::string& message) {
  error_ = place() + ": " + message;
  leave();
}

std::string Block::waiting() const {
  std::string text;
  int shown = 0;
  for (int i = 0; i < threads_ && shown < 12; shown++) {
    const Fiber& first = fibers_[i];
    const int from = i;
    const std::string its = detail(first);
    while (i < threads_ && detail(fibers_[i]) == its) i++;
    text += (shown == 0 ? " " : ", ") + std::to_string(from) + " to " + std::to_string(i - 1) + " " + its;
  }
  return text;
}

/** What a thread is doing. */
std::string Block::detail(const Fiber& fiber) const {
  if (fiber.state == Fiber::ENDED) return "have ended";
  char text[200] = "";
  if (fiber.state == Fiber::AT_MBARRIER) {
    const Mbarrier& at = *fiber.mbarrier;
    std::snprintf(text, sizeof text, " of parity %u at byte %u of shared memory, %u of %u arrivals missing", at.parity,
                  sharedOffset(reinterpret_cast<uintptr_t>(at.word)), at.left, at.arrivals);
  } else if (fiber.state == Fiber::FOR_FLAG) {
    std::snprintf(text, sizeof text, " %p is %d, to be at least %d", fiber.flag, __atomic_load_n(fiber.flag, __ATOMIC_RELAXED), fiber.least);
  } else if (fiber.state == Fiber::READY) {
    return "can go on";
  }
  return std::string("at ") + fiber.site.what + text + " (line " + std::to_string(fiber.site.line) + ")";
}

// ---- as kernels call them -------------------------------------------------------------------------------------------

int syncThreads(Site site, bool predicate) {
  Profiler::get().meet(Event::BARRIER, SIM_CALLER);
  return Block::current()->syncThreads(site, predicate);
}
void syncWarp(Site site, unsigned mask) { Block::current()->warpCollective(site, mask, nullptr, nullptr, SIM_CALLER); }
void warpCollective(Site site, unsigned mask, WarpOperation operation, void* argument) {
  Block::current()->warpCollective(site, mask, operation, argument, SIM_CALLER);
}
unsigned liveLanes() { return Block::current()->liveLanes(); }

void fail(const char* format, ...) {
  char message[700];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  Block::current()->fail(message);
}

}  // namespace sim
