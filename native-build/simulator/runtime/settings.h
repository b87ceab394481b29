// What the environment asks of the simulator; read once. native-build/README.md has the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sim {

/** In which order threads that could all go on do so. */
enum class Order {
  FORWARD,
  REVERSE,
  RANDOM,
  /** Whoever became able to go on last goes on first: a warp runs far ahead of the others. */
  GREEDY
};

struct Settings {
  Order order = Order::FORWARD;
  uint32_t seed = 1;
  int workers = 1;
  size_t deviceBytes = size_t{4} << 30;
  /** Work waits on its stream until somebody waits for it; else it is done at once. */
  bool lazyStreams = true;
  /** Launches are accepted and forgotten: to time what stands before them. */
  bool skipKernels = false;
  int driverVersion = 13000;
  int devices = 1;
  int capability = 90;
  /** Folders of kernel modules beside the one next to this library, separated by colons. */
  std::string moreKernels;

  /** As GPUs of the capability have it. */
  int sharedBytesOfMultiprocessor() const;
  /** What a block may ask for: all but what is reserved for it. */
  int sharedBytesOfBlock() const { return sharedBytesOfMultiprocessor() - (1 << 10); }

  static const Settings& get();
};

}  // namespace sim
