// Happens-before knowledge of threads in the checked build: which accesses of others happened before their own next one.
//
// Time is a count of the events that order threads: barriers, arrivals, releases. An access is stamped with its time. What a
// thread did before such an event becomes known, through the barrier or the flag, to all threads ordered after it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace sim {

using Stamp = uint32_t;

/** For each thread of all blocks: accesses with an earlier stamp are known. Shared by all threads with equal knowledge. */
using Horizon = std::shared_ptr<const std::vector<Stamp>>;

/** Knowledge about the other threads. */
struct Knowledge {
  Horizon known;
  /** The part that is also visible to wgmma, by a fence.proxy.async on the way. */
  Horizon fenced;
};

/** A thread's knowledge, and the time up to which its own accesses are fenced. */
struct Witness : Knowledge {
  /** Its number among the threads of all blocks. */
  unsigned number = 0;
  Stamp ownFenced = 0;

  void begin(unsigned number);
  void fence(Stamp now) {
    fenced = known;
    ownFenced = now;
  }
  /** Orders this thread after those that `other` knows. */
  void learn(const Knowledge& other);
  bool knows(unsigned thread, Stamp stamp) const { return stampOf(known, thread) > stamp; }
  bool hasFenced(unsigned thread, Stamp stamp) const {
    return (thread == number ? ownFenced : stampOf(fenced, thread)) > stamp;
  }

 private:
  static Stamp stampOf(const Horizon& horizon, unsigned thread) {
    return horizon == nullptr || thread >= horizon->size() ? 0 : (*horizon)[thread];
  }
};

/** Where threads publish their knowledge for later threads: a barrier or a flag. */
class Board {
 public:
  /** Publishes what the thread did so far. */
  void leave(const Witness& from, Stamp now);
  void clear();
  /** Everything published here so far. */
  Knowledge read();

 private:
  struct Side {
    std::vector<Stamp> stamps;
    Horizon last, shown;

    void add(const Horizon& horizon);
    void set(unsigned thread, Stamp stamp);
    Horizon show();
  };

  Side known_, fenced_;
};

}  // namespace sim
