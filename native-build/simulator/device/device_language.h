// CUDA's device language for g++: included before every kernel that is compiled for the CPU.
#pragma once

#define CULEBRA_SIMULATOR 1

#include "kernel_interface.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <vector_functions.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

// ---- keywords -------------------------------------------------------------------------------------------------------

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#undef __grid_constant__
#undef __forceinline__
#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
// An OS thread runs one block at a time, so shared memory is thread-local.
#define __shared__ thread_local

#define threadIdx (::sim::thisThread->threadIndex)
#define blockIdx (::sim::thisBlock->blockIndex)
#define blockDim (::sim::thisBlock->blockSize)
#define gridDim (::sim::thisBlock->gridSize)
#define warpSize 32

// ---- threads meet ---------------------------------------------------------------------------------------------------

#define SIM_SITE(what) (::sim::Site{what, __LINE__})

#define __syncthreads() ((void)::sim::syncThreads(SIM_SITE("__syncthreads"), false))
#define __syncthreads_count(predicate) ::sim::syncThreads(SIM_SITE("__syncthreads_count"), predicate)
#define __syncthreads_or(predicate) (::sim::syncThreads(SIM_SITE("__syncthreads_or"), predicate) != 0)
#define __syncthreads_and(predicate) (::sim::syncThreads(SIM_SITE("__syncthreads_and"), !(predicate)) == 0)
#define __syncwarp(...) ::sim::syncWarpOfAll(SIM_SITE("__syncwarp") __VA_OPT__(, ) __VA_ARGS__)
#define __threadfence() ((void)0)
#define __threadfence_block() ((void)0)
#define __trap() ::sim::fail("__trap at line %d", __LINE__)
#define __activemask() ::sim::liveLanes()

namespace sim {

SIM_INLINE void syncWarpOfAll(Site site, unsigned mask = 0xffffffffu) { syncWarp(site, mask); }

/** A lane's value, the lane it reads from, and the result. */
struct Shuffle {
  uint64_t given;
  int source;
  uint64_t got;
};

/** Reading from a lane outside the mask gives garbage: here a NaN. */
SIM_UNCHECKED inline void shuffleLanes(void* const arguments[32], unsigned mask) {
  for (int lane = 0; lane < 32; lane++) {
    if (!(mask >> lane & 1)) continue;
    auto* asking = static_cast<Shuffle*>(arguments[lane]);
    const bool there = asking->source >= 0 && asking->source < 32 && (mask >> asking->source & 1);
    asking->got = there ? static_cast<Shuffle*>(arguments[asking->source])->given : ~uint64_t{0};
  }
}

template <typename T>
SIM_INLINE T shuffle(Site site, unsigned mask, T value, int source) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  Shuffle exchange{0, source, 0};
  std::memcpy(&exchange.given, &value, sizeof(T));
  warpCollective(site, mask, shuffleLanes, &exchange);
  std::memcpy(&value, &exchange.got, sizeof(T));
  return value;
}

// A lane whose source is outside its group of `width` lanes gets its own value.
template <typename T>
SIM_INLINE T shuffleXor(Site site, unsigned mask, T value, int distance, int width = 32) {
  const int lane = thisThread->lane, source = lane ^ distance;
  return shuffle(site, mask, value, source / width > lane / width ? lane : source);
}
template <typename T>
SIM_INLINE T shuffleDown(Site site, unsigned mask, T value, int distance, int width = 32) {
  const int lane = thisThread->lane, source = lane + distance;
  return shuffle(site, mask, value, source / width != lane / width ? lane : source);
}
template <typename T>
SIM_INLINE T shuffleUp(Site site, unsigned mask, T value, int distance, int width = 32) {
  const int lane = thisThread->lane, source = lane - distance;
  return shuffle(site, mask, value, source < lane / width * width ? lane : source);
}
template <typename T>
SIM_INLINE T shuffleFrom(Site site, unsigned mask, T value, int source, int width = 32) {
  const int lane = thisThread->lane;
  return shuffle(site, mask, value, lane / width * width + (source & (width - 1)));
}

SIM_UNCHECKED inline void ballotOfLanes(void* const arguments[32], unsigned mask) {
  unsigned votes = 0;
  for (int lane = 0; lane < 32; lane++) {
    if (mask >> lane & 1) votes |= (*static_cast<unsigned*>(arguments[lane]) & 1) << lane;
  }
  for (int lane = 0; lane < 32; lane++) {
    if (mask >> lane & 1) *static_cast<unsigned*>(arguments[lane]) = votes;
  }
}

SIM_INLINE unsigned ballot(Site site, unsigned mask, bool vote) {
  unsigned votes = vote;
  warpCollective(site, mask, ballotOfLanes, &votes);
  return votes;
}

}  // namespace sim

#define __shfl_sync(...) ::sim::shuffleFrom(SIM_SITE("__shfl_sync"), __VA_ARGS__)
#define __shfl_xor_sync(...) ::sim::shuffleXor(SIM_SITE("__shfl_xor_sync"), __VA_ARGS__)
#define __shfl_up_sync(...) ::sim::shuffleUp(SIM_SITE("__shfl_up_sync"), __VA_ARGS__)
#define __shfl_down_sync(...) ::sim::shuffleDown(SIM_SITE("__shfl_down_sync"), __VA_ARGS__)
#define __ballot_sync(mask, vote) ::sim::ballot(SIM_SITE("__ballot_sync"), mask, vote)
#define __any_sync(mask, vote) (::sim::ballot(SIM_SITE("__any_sync"), mask, vote) != 0)
#define __all_sync(mask, vote) (::sim::ballot(SIM_SITE("__all_sync"), mask, !(vote)) == 0)

// ---- atomics: blocks run on several OS threads ----------------------------------------------------------------------

namespace sim {

/** *address = change(*address), atomically; returns the old value. */
template <typename T, typename Change>
__attribute__((noinline)) SIM_UNCHECKED T atomically(T* address, Change change) {
  using Word = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  static_assert(sizeof(T) == sizeof(Word));
  noteAccess(address, sizeof(T), Access::ATOMIC, SIM_CALLER);
  auto* word = reinterpret_cast<Word*>(address);
  Word expected = __atomic_load_n(word, __ATOMIC_RELAXED), wanted;
  T before;
  do {
    std::memcpy(&before, &expected, sizeof(T));
    const T after = change(before);
    std::memcpy(&wanted, &after, sizeof(T));
  } while (!__atomic_compare_exchange_n(word, &expected, wanted, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  return before;
}

}  // namespace sim

template <typename T>
SIM_INLINE T atomicAdd(T* address, std::common_type_t<T> value) {
  return sim::atomically(address, [value](T old) SIM_UNCHECKED { return T(old + value); });
}
template <typename T>
SIM_INLINE T atomicMax(T* address, std::common_type_t<T> value) {
  return sim::atomically(address, [value](T old) SIM_UNCHECKED { return old > value ? old : value; });
}
template <typename T>
SIM_INLINE T atomicMin(T* address, std::common_type_t<T> value) {
  return sim::atomically(address, [value](T old) SIM_UNCHECKED { return old < value ? old : value; });
}
template <typename T>
SIM_INLINE T atomicExch(T* address, std::common_type_t<T> value) {
  return sim::atomically(address, [value](T) SIM_UNCHECKED { return value; });
}
template <typename T>
SIM_INLINE T atomicCAS(T* address, std::common_type_t<T> compare, std::common_type_t<T> value) {
  return sim::atomically(address, [=](T old) SIM_UNCHECKED { return old == compare ? value : old; });
}

// ---- functions of one thread ----------------------------------------------------------------------------------------

template <typename T>
SIM_INLINE T __ldg(const T* address) { return *address; }
template <typename T>
SIM_INLINE T __ldcs(const T* address) { return *address; }
template <typename T>
SIM_INLINE T __ldcg(const T* address) { return *address; }
template <typename T>
SIM_INLINE void __stcs(T* address, T value) { *address = value; }
template <typename T>
SIM_INLINE void __stcg(T* address, T value) { *address = value; }

template <typename To, typename From>
inline To simBits(From from) {
  To to;
  static_assert(sizeof(To) == sizeof(From));
  std::memcpy(&to, &from, sizeof(To));
  return to;
}
inline unsigned __float_as_uint(float x) { return simBits<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return simBits<float>(x); }
inline int __float_as_int(float x) { return simBits<int>(x); }
inline float __int_as_float(int x) { return simBits<float>(x); }

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
inline void sincospif(float x, float* sine, float* cosine) {
  const double angle = std::remainder(static_cast<double>(x), 2.0) * M_PI;
  *sine = static_cast<float>(std::sin(angle));
  *cosine = static_cast<float>(std::cos(angle));
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline unsigned __umulhi(unsigned x, unsigned y) { return static_cast<uint64_t>(x) * y >> 32; }
/** Byte i of the result is the byte of (y, x) that hexadecimal digit i of the selector selects; sign replication is not supported. */
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const uint64_t bytes = static_cast<uint64_t>(y) << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; i++) result |= static_cast<unsigned>(bytes >> (selector >> 4 * i & 7) * 8 & 0xff) << 8 * i;
  return result;
}

using std::max;
using std::min;

// ---- kernels that a module exports ------------------------------------------------------------------------------------

namespace sim {

/** Unpacks a launch's parameters with the kernel's actual types. */
template <auto KERNEL>
struct Call;
template <typename... P, void (*KERNEL)(P...)>
struct Call<KERNEL> {
  template <size_t... I>
  __attribute__((noinline)) SIM_UNCHECKED static void unpack(void** parameters, std::index_sequence<I...>) {
    KERNEL(*static_cast<std::remove_cv_t<P>*>(parameters[I])...);
  }
  SIM_UNCHECKED static void call(void** parameters) { unpack(parameters, std::index_sequence_for<P...>{}); }

  static bool enter(const char* name) {
    static constexpr int BYTES[] = {static_cast<int>(sizeof(P))..., 0};
    registerKernel({name, call, BYTES, sizeof...(P)});
    return true;
  }
};

}  // namespace sim

#include "primitives.h"

// ---- what the profile build counts apart from accesses --------------------------------------------------------------

#ifdef CULEBRA_SIM_PROFILE
namespace {
const bool profileEntered = (sim::enterProfile(), true);
}

// Each function counts the operations of the special function unit (MUFU) that nvcc compiles it to, rare cases left out.
#define __expf(x) (SIM_SPECIAL(1), __expf(x))
#define __logf(x) (SIM_SPECIAL(1), __logf(x))
#define __fdividef(x, y) (SIM_SPECIAL(1), __fdividef(x, y))
#define __frcp_rn(x) (SIM_SPECIAL(1), __frcp_rn(x))
#define __fsqrt_rn(x) (SIM_SPECIAL(1), __fsqrt_rn(x))
#define rsqrtf(x) (SIM_SPECIAL(1), rsqrtf(x))
#define sqrtf(x) (SIM_SPECIAL(1), sqrtf(x))
#define expf(x) (SIM_SPECIAL(1), expf(x))
#define exp2f(x) (SIM_SPECIAL(1), exp2f(x))
#define log2f(x) (SIM_SPECIAL(1), log2f(x))
#define erfcf(x) (SIM_SPECIAL(2), erfcf(x))
#define tanhf(x) (SIM_SPECIAL(2), tanhf(x))
#endif
