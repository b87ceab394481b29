// Asynchronous copies from global to shared memory: cp.async.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace sim {

/** The copies of one thread, in groups; a copy lands when it is waited for, so that a missing wait shows. */
class AsyncCopies {
 public:
  void clear();
  /** `code`: the call site. */
  void add(void* shared, const void* global, int bytes, int bytesRead, const void* code);
  void commit();
  void waitFor(int groups);
  /** The number of copies so far. */
  uint64_t issued() const { return landed_ + underWay_.size(); }
  /** Lands the first `count` copies. */
  void land(uint64_t count);

 private:
  struct Copy {
    void* shared;
    const void* global;
    int bytes;
    int bytesRead;
  };

  std::deque<Copy> underWay_;
  uint64_t landed_ = 0;
  /** The number of copies at the end of each group that has not been waited for. */
  std::deque<uint64_t> groups_;
};

}  // namespace sim
