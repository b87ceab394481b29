#include "workers.h"

#include "faults.h"
#include "settings.h"

#include <thread>

namespace sim {

Workers& Workers::get() {
  static auto* workers = new Workers(Settings::get().workers);  // never destroyed: they wait until the process ends
  return *workers;
}

void Workers::run(int workers, const std::function<void(int)>& work) {
  std::lock_guard<std::mutex> oneCaller(callers_);
  std::unique_lock<std::mutex> lock(mutex_);
  work_ = &work;
  wanted_ = running_ = workers < count_ ? workers : count_;
  round_++;
  beginThreads();
  ended_.wait(lock, [this] { return running_ == 0; });
  wanted_ = 0;
}

void Workers::add() {
  std::lock_guard<std::mutex> lock(mutex_);
  wanted_++;
  running_++;
  beginThreads();
}

/** Creates as many as needed; they wait for more work when they are done. */
void Workers::beginThreads() {
  for (; threads_ < wanted_; threads_++) std::thread([this, i = threads_] { serve(i); }).detach();
  started_.notify_all();
}

void Workers::serve(int index) {
  prepareForFaults();
  unsigned seen = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    started_.wait(lock, [&] { return round_ != seen && index < wanted_; });
    seen = round_;
    lock.unlock();
    (*work_)(index);
    lock.lock();
    if (--running_ == 0) ended_.notify_one();
  }
}

}  // namespace sim
