// Groups accesses of single threads into warp instructions.
#pragma once

#include "profile_counts.h"

#include <array>
#include <unordered_set>
#include <vector>

namespace sim {

/**
 * The requests of one block. Threads take turns, so the lanes of a warp reach an instruction one after the other: the n-th visit of a
 * lane belongs to the n-th visits of the others. When all lanes of a warp have met, counting starts again.
 */
class Requests {
 public:
  static constexpr int MAX_WARPS = 32;

  /** A lane reaches instruction `site`; `live`: the lanes of its warp that have not ended. */
  void add(unsigned warp, unsigned lane, uint32_t live, unsigned site, uint64_t address, unsigned bytes);
  /** All lanes of the warp have met: the requests so far are complete. */
  void finish(unsigned warp);
  void finishAll();
  /** Whether no earlier load of this block has fetched the sector. */
  bool isNew(uint64_t sector) { return sectors_.insert(sector).second; }
  void endBlock();

 private:
  /** The visits of one warp to one instruction. */
  struct Visits {
    std::array<uint32_t, 32> seen{};
    /** Requests from number `first` on; the first `done` of them have been counted. */
    uint32_t first = 0;
    size_t done = 0;
    std::vector<Request> open;
  };

  std::array<std::vector<Visits>, MAX_WARPS> visits_;
  /** Sites that a warp has visited since its lanes last met. */
  std::array<std::vector<unsigned>, MAX_WARPS> active_;
  std::unordered_set<uint64_t> sectors_;
};

}  // namespace sim
