// The profile build: counts what each distinct launch does, instruction by instruction.
#pragma once

#include "grid.h"
#include "kernel_interface.h"
#include "memory.h"
#include "profile_counts.h"
#include "requests.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sim {

/** A requested matrix product: C (m, n) (+)= A · B, `batches` times. */
struct ProductCall {
  int m, n, k, batches;
  /** Bytes per element of A and B, and of C. */
  int inputBytes, outputBytes;
  /** Whether C is also read. */
  bool adds;
  bool bias, gelu, geluSlope;
  /** Whether tensor cores can do it: TF32 or 16 bits. */
  bool tensorCores;
};

/**
 * Kernels compiled for it report their accesses here instead of to the Checker. Each distinct launch runs once; a later one with the same
 * kernel, grid, block, shared memory and numeric parameters is only counted. Matrix products are recorded, not computed. Memory that
 * these would have written keeps its values, zero at first: a kernel whose path depends on values takes the path for zeros.
 */
class Profiler {
 public:
  static Profiler& get();

  bool enabled() const { return enabled_; }
  void enable();

  // ---- called by the host ----

  /** False if the launch is a repeat and must not run. */
  bool begin(const Launch& launch, void** parameters) { return !enabled_ || beginLaunch(launch, parameters); }
  void end() {
    if (enabled_) endLaunch();
  }
  /** True if the product was recorded and must not be computed. */
  bool note(const ProductCall& product);
  /** Adds a line to the profile, between the launches before and after it. */
  void mark(const std::string& text);

  // ---- called by threads; no effect unless enabled ----

  /** `code`: the address of the instruction. */
  void access(const void* address, size_t bytes, Access access, const void* code) {
    if (enabled_) noteAccess(address, bytes, access, code);
  }
  void copy(const void* shared, const void* global, size_t bytes, size_t bytesRead, const void* code);
  /** A thread reaches an instruction that accesses no memory. */
  void meet(Event event, const void* code) {
    if (enabled_) add(event, code, 0, 0);
  }
  /** A thread performs operations of the special function unit. */
  void special(int operations, const void* code);
  /** A warpgroup product, reported by one lane of each warp. */
  void wgmma(uint64_t flopsOfWarp, const void* code);
  /** All live lanes of a warp, or all threads of the block, have met. */
  void warpMet(unsigned warp);
  void blockMet();
  void endBlock();
  /** Encloses a collective operation of a warp, whose accesses count as one instruction. */
  void beginCollective(const char* what, const void* code, unsigned mask);
  void endCollective();

  /** Counts a complete request. */
  void count(Requests& block, unsigned site, const Request& request);

 private:
  struct Site {
    Event event;
    const void* code;
    Counts counts;
  };

  /** Memory touched by a launch: one bit per two bytes, for bytes read before they are written, and for bytes written. */
  struct Touched {
    struct Free {
      void operator()(void* memory) const { std::free(memory); }
    };
    using Bits = std::unique_ptr<uint64_t[], Free>;

    Bits read, written;
    size_t firstWord = SIZE_MAX, lastWord = 0;
  };

  struct Record {
    std::string key;
    const Module* module;
    std::vector<Site> sites;
    uint64_t times = 0, readBytes = 0, readSectors = 0, writtenBytes = 0, writtenSectors = 0;
  };

  Profiler() = default;
  bool beginLaunch(const Launch& launch, void** parameters);
  void endLaunch();
  void noteAccess(const void* address, size_t bytes, Access access, const void* code);
  void add(Event event, const void* code, uint64_t address, unsigned bytes);
  unsigned siteOf(Event event, const void* code);
  uint64_t touch(Allocation& allocation, const void* address, size_t bytes, bool reads, bool writes);
  void countTouched(Record& record);
  void write() const;
  void write(std::FILE* file) const;

  bool enabled_ = false;
  std::map<std::string, size_t> known_;
  std::vector<Record> records_;
  std::map<std::string, std::pair<size_t, uint64_t>> products_;
  /** "kernel 3", "product 1" or "mark …", in the order of the stream. */
  std::vector<std::string> sequence_;

  // The running launch:
  Record* record_ = nullptr;
  std::vector<Site> sites_;
  std::unordered_map<uint64_t, unsigned> numbers_;
  std::map<const Allocation*, Touched> touched_;
  Allocation* latest_ = nullptr;
  Touched* latestTouched_ = nullptr;

  // The current collective operation:
  bool inCollective_ = false;
  Event collective_ = Event::SHUFFLE;
  const void* collectiveCode_ = nullptr;
  unsigned collectiveMask_ = 0;
  std::vector<uint64_t> rows_;
};

}  // namespace sim
