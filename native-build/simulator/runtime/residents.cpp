#include "residents.h"

#include "block.h"
#include "workers.h"

#include <chrono>

namespace sim {
namespace {

/** How long a block waits before it checks again if no other block can take its turn. */
constexpr std::chrono::microseconds PAUSE{100};

}  // namespace

bool Residents::next(uint64_t& block) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopped_ || next_ == blocks_) return false;
  block = next_++;
  return true;
}

Residents::Answer Residents::pass(const Block& block, bool progress) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (stopped_) return Answer::STOP;
  if (progress) progress_++;
  Search& search = searches_[&block];
  search = {progress_, search.progress == progress_ ? search.times + 1 : 1};
  if (beginAnother()) return waitForTurn(lock);
  if (isDeadlock()) return Answer::DEADLOCK;
  if (!waiters_.empty()) {
    callFirst();
    return waitForTurn(lock);
  }
  if (active_ > 1) {
    active_--;
    called_.wait_for(lock, PAUSE);
    active_++;
  }
  return stopped_ ? Answer::STOP : Answer::GO_ON;
}

Residents::Answer Residents::giveWay() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (stopped_) return Answer::STOP;
  progress_++;
  if (!beginAnother()) {
    if (waiters_.empty()) return Answer::GO_ON;
    callFirst();
  }
  return waitForTurn(lock);
}

/** All have checked twice: at the first check, another block's progress may not have been recorded yet. */
bool Residents::isDeadlock() const {
  int stuck = 0;
  for (const auto& [block, search] : searches_) stuck += search.progress == progress_ && search.times >= 2;
  return stuck == count_;
}

bool Residents::beginAnother() {
  if (count_ == most_ || next_ == blocks_) return false;
  count_++;
  Workers::get().add();
  return true;
}

Residents::Answer Residents::waitForTurn(std::unique_lock<std::mutex>& lock) {
  Waiter me;
  waiters_.push_back(&me);
  called_.wait(lock, [&] { return me.called || stopped_; });
  return stopped_ ? Answer::STOP : Answer::GO_ON;
}

void Residents::callFirst() {
  waiters_.front()->called = true;
  waiters_.pop_front();
  called_.notify_all();
}

void Residents::leave(const Block& block) {
  std::lock_guard<std::mutex> lock(mutex_);
  count_--;
  progress_++;
  searches_.erase(&block);
  if (waiters_.empty()) {
    active_--;
  } else {
    callFirst();
  }
}

void Residents::stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  waiters_.clear();
  called_.notify_all();
}

std::string Residents::waiting(const Block& block) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string text;
  for (const auto& [other, search] : searches_) {
    if (other != &block) text += "; block " + other->indexText() + ":" + other->waiting();
  }
  return text;
}

}  // namespace sim
