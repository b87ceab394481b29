// The checked build: kernels compiled with -fsanitize=thread,bounds report every access, which is checked here.
#pragma once

#include "block.h"
#include "memory.h"
#include "shadow.h"
#include "shared_memory.h"

#include <map>
#include <memory>
#include <string>

namespace sim {

/**
 * Finds races (unordered accesses of two threads to one address, at least one of them a write), reads of uninitialised
 * memory, accesses outside allocations and dynamic shared memory, misaligned accesses, reads of shared memory into which an
 * asynchronous copy is in flight, and memory that wgmma reads without a proxy fence or while others write it. In a checked
 * build one block runs at a time.
 */
class Checker {
 public:
  static Checker& get();

  /** Whether the loaded kernels report their accesses. */
  bool enabled() const { return enabled_; }
  /** No effect if the kernels report to the Profiler. */
  void enable() { enabled_ = !disabled_; }
  void disable() {
    enabled_ = false;
    disabled_ = true;
  }

  // Events that order threads; they do nothing unless enabled.
  void beginLaunch(bool overlapped);
  /** The number of a block that an OS thread starts: blocks that may wait for each other have different numbers. */
  unsigned numberOfBlock(int osThread) { return flags_.empty() ? osThread : ++lastNumber_; }
  /** The start time of the block. Its threads have `firstNumber` and the following numbers. */
  Stamp beginBlock(Fiber* fibers, int count, unsigned firstNumber);
  /** All of them are ordered after what each of them did. */
  void meet(Fiber* const* fibers, int count);
  void leave(const Fiber& fiber, Board& board);
  void learn(Fiber& fiber, const Knowledge& others);
  /** Through a flag in global memory, which the thread writes or has read. */
  void leave(const Fiber& fiber, const int* flag);
  void learn(Fiber& fiber, const int* flag);
  void fenceProxies(Fiber& fiber);
  /** The running thread has waited for all earlier kernels. */
  void waitForPreviousKernel(Fiber& fiber);

  /** `code` is the address of the access in a module, or null. */
  void noteAccess(const void* address, size_t bytes, Access access, const void* code);
  void noteCopyIssued(const void* shared, const void* global, size_t bytes, size_t bytesRead);
  void noteCopyLanded(const void* shared, size_t bytes);
  /** A product of the running thread's warpgroup reads the bytes until noteProductDone. */
  void noteProductIssued(const void* shared, size_t bytes);
  void noteProductUnderWay(const void* shared, size_t bytes);
  void noteProductDone(const void* shared, size_t bytes);
  void noteHostWrite(Allocation& allocation, const void* address, size_t bytes);
  /** The source line of the last failed access, or nothing if unknown; runs addr2line. */
  std::string blamedLine(const Module& module);

 private:
  struct Span {
    Shadow& shadow;
    size_t offset;
    const void* address;
    size_t bytes;
    /** Null for shared memory. */
    const Allocation* allocation;

    bool shared() const { return allocation == nullptr; }
  };

  Checker() = default;
  void note(const void* address, size_t bytes, Access access, Record::Kind kind);
  void noteShared(const void* address, size_t bytes, Access access, Record::Kind kind);
  void noteGlobal(Allocation& allocation, const void* address, size_t bytes, Access access, Record::Kind kind);
  void noteCells(const Span& span, Access access, Record::Kind kind);
  void judgeEarly(const Cell& cell, Access access);
  void judgeRead(const Record& writer, const Record& me, const Span& span);
  unsigned threadOf(const Record& record) const;
  void read(Cell& cell, const Record& me, const Span& span);
  void write(Cell& cell, const Record& me, const Span& span);
  bool conflicts(const Record& before, const Record& me, bool shared) const;
  Shadow& shadowOfShared();
  static unsigned warpgroup();
  [[noreturn]] void failAccess(const std::string& message);
  [[noreturn]] void failRace(const char* what, const Record& other, const Span& span);
  [[noreturn]] void failOutside(const void* address, size_t bytes, Access access, const Allocation* near);
  Record recordOf(Record::Kind kind) const;

  bool enabled_ = false, disabled_ = false;
  Stamp now_ = HOST_WROTE, launched_ = 0;
  /** The start of the last launch that was not overlapped: it, and all since, may still be running when an overlapped one begins. */
  Stamp unfinishedSince_ = 0;
  bool overlapped_ = false;
  const void* code_ = nullptr;
  const void* blamed_ = nullptr;
  std::map<const SharedMemory*, std::unique_ptr<Shadow>> shared_;
  std::map<const int*, Board> flags_;
  unsigned lastNumber_ = 0;
};

}  // namespace sim
