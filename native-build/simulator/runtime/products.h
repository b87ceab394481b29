// Products of a warpgroup (wgmma), which go on while its threads do.
#pragma once

#include "hopper_primitives.h"

#include <deque>
#include <vector>

namespace sim {

struct Fiber;

constexpr int WARPGROUP = 128;

/**
 * Those that one thread has issued. All that they read of shared memory is read when they are waited for, the latest time
 * there is; until then the registers of their sums hold a NaN that nobody may read or write.
 */
class Products {
 public:
  void clear();
  void fence() { fenced_ = true; }
  void issue(const Product& product, bool firstLane);
  void commit();
  /** What is wrong with an access of the thread to its own registers; null if nothing is. */
  const char* misuse(const void* address, size_t bytes, bool read) const;
  /** Does all but the newest `groups` groups of the threads of a warpgroup. */
  static void complete(Fiber* const* threads, int groups);

 private:
  /** Registers of sums of which products are under way, and what is in them. */
  struct Sums {
    float* registers = nullptr;
    std::vector<float> values;
    /** How many of them; 0: this place is free. */
    int underWay = 0;
  };
  struct Step {
    size_t sums;
    bool aInRegisters;
    uint32_t a[4];
    Product product;

    bool matches(const Step& other) const;
    template <typename Use>
    void forEachChunk(Use use) const;
  };

  size_t sumsOf(const Product& product);
  void requireSame(const Products& other) const;
  void endGroup();
  static void multiply(Fiber* const* threads, size_t begin, size_t end);

  std::vector<Sums> sums_;
  std::deque<std::vector<Step>> groups_;
  std::vector<Step> open_;
  bool fenced_ = false;
};

}  // namespace sim
