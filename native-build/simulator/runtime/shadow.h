// What the checked build remembers of memory: for each two bytes the last write and the last two reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sim {

/** An access: by whom, and when. Intervals are those of Block; 0 is never, HOST_WROTE is before every launch. */
struct Record {
  enum Kind : uint32_t { PLAIN, ATOMIC, COPY_UNDER_WAY };

  uint32_t interval = 0;
  uint32_t thread : 10;
  Kind kind : 2;
  uint32_t warpInterval : 20;

  Record() : thread(0), kind(PLAIN), warpInterval(0) {}
};

constexpr uint32_t HOST_WROTE = 1;

struct Cell {
  Record writer;
  Record readers[2];
};

/** The cells of a stretch of memory. */
class Shadow {
 public:
  static constexpr size_t CELL_BYTES = 2;

  explicit Shadow(size_t bytes) : cells_(bytes / CELL_BYTES + 1) {}

  Cell& at(size_t offset) { return cells_[offset / CELL_BYTES]; }

 private:
  std::vector<Cell> cells_;
};

}  // namespace sim
