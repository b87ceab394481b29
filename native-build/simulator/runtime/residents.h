// The blocks of one launch that are under way at once: which of them have their turn.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace sim {

class Block;

/** Each has an OS thread, and that one stacks for a thousand threads. */
constexpr int MOST_RESIDENTS = 16;

/**
 * As on a device, blocks begin in the order of their numbers, and only so many are resident; each one has an OS thread. At
 * first there are as many as run at a time, each from its start to its end. A block of which all threads wait for memory that
 * another one writes gives its turn to one that waits for a turn, or to one that has not begun.
 */
class Residents {
 public:
  enum class Answer { GO_ON, DEADLOCK, STOP };

  /** Of `blocks` blocks at most `most` are resident; `turns` OS threads have begun. */
  Residents(uint64_t blocks, int most, int turns) : blocks_(blocks), most_(most), count_(turns), active_(turns) {}

  /** The block that the calling OS thread runs next; false if there is none. */
  bool next(uint64_t& block);
  /** Its threads wait for others; `progress`: some did not, since its last call. Returns when it may look again. */
  Answer pass(const Block& block, bool progress);
  /** It could go on, but others may come first. */
  Answer giveWay();
  /** The calling OS thread runs no more blocks. */
  void leave(const Block& block);
  /** A block has failed: all others end where they stand. */
  void stop();
  /** Where the threads of the other blocks wait, if all do. */
  std::string waiting(const Block& block);

 private:
  struct Waiter {
    bool called = false;
  };
  /** What a block without threads that can go on has found out. */
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
  /** OS threads of this launch, and those of them that have a turn and use it. */
  int count_, active_;
  /** Grows when a thread has gone on. */
  uint64_t progress_ = 1;
  /** How often each block has looked in vain since. */
  std::map<const Block*, Search> searches_;
  bool stopped_ = false;
  std::deque<Waiter*> waiters_;
};

}  // namespace sim
