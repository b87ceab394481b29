// Copies from global to shared memory that go on while their thread does: cp.async.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace sim {

/** Those of one thread, in groups; a copy lands when its group is waited for, so that a missing wait shows. */
class AsyncCopies {
 public:
  void clear();
  void add(void* shared, const void* global, int bytes, int bytesRead);
  void commit();
  void waitFor(int groups);

 private:
  struct Copy {
    void* shared;
    const void* global;
    int bytes;
    int bytesRead;
  };

  std::vector<Copy> open_;
  std::deque<std::vector<Copy>> groups_;
};

}  // namespace sim
