// What the profile build counts for one instruction of a kernel, and the rules of memory behind the counts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sim {

/** The kinds of instructions that are counted. */
enum class Event : uint8_t {
  GLOBAL_LOAD,
  GLOBAL_STORE,
  GLOBAL_ATOMIC,
  /** cp.async: its load from global memory, and its store to shared memory. */
  GLOBAL_COPY,
  SHARED_COPY,
  SHARED_LOAD,
  SHARED_STORE,
  SHARED_ATOMIC,
  /** ldmatrix and stmatrix. */
  MATRIX_LOAD,
  MATRIX_STORE,
  MMA,
  WGMMA,
  SPECIAL,
  SHUFFLE,
  VOTE,
  WARP_BARRIER,
  BARRIER,
  NAMED_BARRIER,
  MBARRIER_WAIT,
  FLAG
};

const char* nameOf(Event event);

constexpr bool isGlobal(Event event) { return event <= Event::GLOBAL_COPY; }
constexpr bool isShared(Event event) { return event > Event::GLOBAL_COPY && event <= Event::MATRIX_STORE; }

struct Counts {
  /** Warp instructions, and the active threads in them. */
  uint64_t requests = 0, lanes = 0;
  /** Accesses: bytes that threads asked for. Products: FLOPs. Special functions: operations. */
  uint64_t work = 0;
  /** Global memory: sectors of 32 bytes. Shared memory: wavefronts, each with at most one word per bank. */
  uint64_t moved = 0;
  /** The fewest possible: sectors if the same bytes were contiguous, wavefronts without bank conflicts. */
  uint64_t least = 0;
  /** Global loads: sectors that no earlier load of the block has fetched, so they cannot be in its L1 cache. */
  uint64_t first = 0;
};

/** The accesses of a warp's lanes by one instruction. */
struct Request {
  uint32_t mask = 0;
  uint32_t bytes = 0;
  uint64_t addresses[32];
};

/** The distinct sectors of 32 bytes that a request touches. */
struct Sectors {
  static constexpr int BYTES = 32;

  explicit Sectors(const Request& request);

  int count = 0;
  /** Distinct bytes in them. */
  int bytes = 0;
  uint64_t numbers[96];
};

/**
 * The wavefronts of a request to shared memory: there are 32 banks of 4 bytes, and a wavefront delivers one word per bank to every
 * lane that wants it. 8-byte accesses are served by half warp, 16-byte accesses by quarter warp.
 */
struct Wavefronts {
  explicit Wavefronts(const Request& request);

  int count = 0;
  /** The number of half or quarter warps with an active lane. */
  int least = 0;
};

}  // namespace sim
