// Settings from the environment; read once. native-build/README.md has the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sim {

/** The order of threads that could all continue. */
enum class Order {
  FORWARD,
  REVERSE,
  RANDOM,
  /** The thread that became ready last continues first: one warp runs far ahead of the others. */
  GREEDY
};

struct Settings {
  Order order = Order::FORWARD;
  uint32_t seed = 1;
  int workers = 1;
  size_t deviceBytes = size_t{4} << 30;
  /** Work stays on its stream until it is waited for; otherwise it is done immediately. */
  bool lazyStreams = true;
  /** Launches are accepted and ignored, to time the code before them. */
  bool skipKernels = false;
  int driverVersion = 13000;
  int devices = 1;
  int capability = 90;
  /** Folders of kernel modules in addition to the one next to this library, separated by colons. */
  std::string moreKernels;

  /** The file that the profile build writes its counts to; empty: none. */
  std::string profile;

  /** As on GPUs of this capability. */
  int sharedBytesOfMultiprocessor() const;
  /** The most that a block may request: all except the reserved part. */
  int sharedBytesOfBlock() const { return sharedBytesOfMultiprocessor() - (1 << 10); }

  static const Settings& get();
};

}  // namespace sim
