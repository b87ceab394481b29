// Asynchronous products of a warpgroup (wgmma).
#pragma once

#include "hopper_primitives.h"

#include <deque>
#include <vector>

namespace sim {

struct Fiber;

constexpr int WARPGROUP = 128;

/**
 * The products issued by one thread. They read shared memory as late as possible: when they are waited for. Until then
 * the registers of their sums contain a NaN that must not be read or written.
 */
class Products {
 public:
  void clear();
  void fence() { fenced_ = true; }
  void issue(const Product& product, bool firstLane);
  void commit();
  /** The error in an access of the thread to its own registers; null if there is none. */
  const char* misuse(const void* address, size_t bytes, bool read) const;
  /** Computes all but the newest `groups` groups of a warpgroup's threads. */
  static void complete(Fiber* const* threads, int groups);

 private:
  /** Registers of sums with products in flight, and their values. */
  struct Sums {
    float* registers = nullptr;
    std::vector<float> values;
    /** The number of products; 0: this entry is free. */
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
