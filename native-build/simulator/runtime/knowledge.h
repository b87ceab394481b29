// What threads know of each other, in the checked build: which accesses of others happened before their own next one.
//
// Time is a count of the events that order threads: barriers, arrivals, releases. An access is stamped with the time at
// which it is made; what a thread did up to an event of its own reaches, by the barrier or the flag, all who come behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace sim {

using Stamp = uint32_t;

/** By thread of all blocks: accesses with an earlier stamp are known. Shared by all who know the same. */
using Horizon = std::shared_ptr<const std::vector<Stamp>>;

/** What somebody knows of the others. */
struct Knowledge {
  Horizon known;
  /** Of that, what is also known to wgmma: a fence.proxy.async stands on the way. */
  Horizon fenced;
};

/** A thread's knowledge, and up to when its own accesses are fenced. */
struct Witness : Knowledge {
  /** Its number among the threads of all blocks. */
  unsigned number = 0;
  Stamp ownFenced = 0;

  void begin(unsigned number);
  void fence(Stamp now) {
    fenced = known;
    ownFenced = now;
  }
  /** Comes behind those from whom `other` is. */
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

/** Where threads leave what they know for those who come behind them: a barrier, a flag. */
class Board {
 public:
  /** What the thread did up to now. */
  void leave(const Witness& from, Stamp now);
  void clear();
  /** All that was left here so far. */
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
