// The OS threads that run blocks. Never a caller's thread: those of a JVM have special stacks and signal handling.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

namespace sim {

class Workers {
 public:
  static Workers& get();

  int count() const { return count_; }
  /** work(0) … work(workers − 1), at most `count()`, each on its own OS thread; waits for all. One caller at a time. */
  void run(int workers, const std::function<void(int)>& work);
  /** From inside work: adds one more, with the next number. */
  void add();

 private:
  explicit Workers(int count) : count_(count) {}
  void serve(int index);
  void beginThreads();

  const int count_;
  int threads_ = 0;
  std::mutex callers_, mutex_;
  std::condition_variable started_, ended_;
  const std::function<void(int)>* work_ = nullptr;
  int wanted_ = 0, running_ = 0;
  unsigned round_ = 0;
};

}  // namespace sim
