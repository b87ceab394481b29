// The checked build's record of memory: the last write and the last two reads of every two bytes.
#pragma once

#include "knowledge.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sim {

/** An access: its thread and time. Stamp 0 means never; HOST_WROTE is before every launch. */
struct Record {
  enum Kind : uint8_t {
    PLAIN,
    ATOMIC,
    COPY_UNDER_WAY,
    /** A read by products (wgmma) of the warpgroup that starts at `warp`: not waited for yet, or done. */
    PRODUCTS_UNDER_WAY,
    PRODUCTS_DONE
  };

  Stamp stamp = 0;
  /** The lanes of the warp with this global number. */
  uint32_t lanes = 0;
  uint32_t warp : 24;
  Kind kind : 8;

  Record() : warp(0), kind(PLAIN) {}

  /** The number of its first thread. */
  unsigned thread() const { return warp * 32u + (lanes == 0 ? 0 : __builtin_ctz(lanes)); }
};

constexpr Stamp HOST_WROTE = 1;

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
