// The resident blocks of one launch, and whose turn it is.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace sim {

class Block;

/** Each has an OS thread with stacks for a thousand threads. */
constexpr int MOST_RESIDENTS = 16;

/**
 * As on a device, blocks start in the order of their numbers, and only a limited number are resident; each has an OS thread.
 * Initially there are as many as run at a time, each from start to end. A block whose threads all wait for memory that
 * another block writes passes its turn to one that waits for a turn, or to one that has not started.
 */
class Residents {
 public:
  enum class Answer { GO_ON, DEADLOCK, STOP };

  /** At most `most` of `blocks` blocks are resident; `turns` OS threads have started. */
  Residents(uint64_t blocks, int most, int turns) : blocks_(blocks), most_(most), count_(turns), active_(turns) {}

  /** The block that the calling OS thread runs next; false if there is none. */
  bool next(uint64_t& block);
  /** Its threads wait for other blocks; `progress`: some have continued since the last call. Returns when it may check again. */
  Answer pass(const Block& block, bool progress);
  /** It could continue, but others may go first. */
  Answer giveWay();
  /** The calling OS thread runs no more blocks. */
  void leave(const Block& block);
  /** A block has failed: all others end immediately. */
  void stop();
  /** Where the threads of the other blocks wait, if all of them do. */
  std::string waiting(const Block& block);

 private:
  struct Waiter {
    bool called = false;
  };
  /** What a block whose threads are all waiting has found. */
  struct Search {
    uint64_t progress = 0;
    int times = 0;
  };

  bool isDeadlock() const;
  bool beginAnother();
  Answer waitForTurn(std::unique_lock<std::mutex>& lock);
  void callFirst();

  const uint64_t blocks_;
  const int most_;
  std::mutex mutex_;
  std::condition_variable called_;
  uint64_t next_ = 0;
  /** OS threads of this launch, and those with an active turn. */
  int count_, active_;
  /** Incremented when a thread has made progress. */
  uint64_t progress_ = 1;
  /** How often each block has checked without success since then. */
  std::map<const Block*, Search> searches_;
  bool stopped_ = false;
  std::deque<Waiter*> waiters_;
};

}  // namespace sim
