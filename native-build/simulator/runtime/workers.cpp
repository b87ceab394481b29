#include "workers.h"

#include "faults.h"
#include "settings.h"

#include <thread>

namespace sim {

Workers& Workers::get() {
  static auto* workers = new Workers(Settings::get().workers);  // never destroyed: they wait until the process ends
  return *workers;
}

Workers::Workers(int count) : count_(count) {
  for (int i = 0; i < count; i++) std::thread([this, i] { serve(i); }).detach();
}

void Workers::run(int workers, const std::function<void(int)>& work) {
  std::lock_guard<std::mutex> oneCaller(callers_);
  std::unique_lock<std::mutex> lock(mutex_);
  work_ = &work;
  wanted_ = running_ = workers < count_ ? workers : count_;
  round_++;
  started_.notify_all();
  ended_.wait(lock, [this] { return running_ == 0; });
}

void Workers::serve(int index) {
  prepareForFaults();
  unsigned seen = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    started_.wait(lock, [&] { return round_ != seen; });
    seen = round_;
    if (index >= wanted_) continue;
    lock.unlock();
    (*work_)(index);
    lock.lock();
    if (--running_ == 0) ended_.notify_one();
  }
}

}  // namespace sim
