// The checked build: kernels compiled with -fsanitize=thread,bounds report every access; here it is judged.
#pragma once

#include "block.h"
#include "memory.h"
#include "shadow.h"
#include "shared_memory.h"

#include <map>
#include <memory>

namespace sim {

/**
 * Finds races (two threads, one place, one of them writes, no barrier in between), reads of memory that nobody wrote,
 * accesses outside of allocations and dynamic shared memory, misaligned ones, and reads of shared memory into which an
 * asynchronous copy is still under way. In a checked build one OS thread runs all blocks.
 */
class Checker {
 public:
  static Checker& get();

  /** Whether the kernels that are loaded report their accesses. */
  bool enabled() const { return enabled_; }
  void enable() { enabled_ = true; }

  void beginLaunch(uint32_t firstInterval) { launchInterval_ = firstInterval; }
  void noteAccess(const void* address, size_t bytes, Access access);
  void noteCopyIssued(const void* shared, const void* global, size_t bytes, size_t bytesRead);
  void noteCopyLanded(const void* shared, size_t bytes);
  void noteHostWrite(Allocation& allocation, const void* address, size_t bytes);

 private:
  struct Span {
    Shadow& shadow;
    size_t offset;
    const void* address;
    size_t bytes;
    bool shared;
  };

  Checker() = default;
  void note(const void* address, size_t bytes, Access access, Record::Kind kind);
  void noteShared(const void* address, size_t bytes, Access access, Record::Kind kind);
  void noteGlobal(Allocation& allocation, const void* address, size_t bytes, Access access, Record::Kind kind);
  void read(Cell& cell, const Record& me, const Span& span);
  void write(Cell& cell, const Record& me, const Span& span);
  bool conflicts(const Record& before, const Record& me, bool shared) const;
  [[noreturn]] void failRace(const char* what, const Record& other, const Span& span) const;
  Record recordOf(Record::Kind kind) const;

  bool enabled_ = false;
  uint32_t launchInterval_ = 0;
  std::map<const SharedMemory*, std::unique_ptr<Shadow>> shared_;
};

}  // namespace sim
