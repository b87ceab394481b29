// Modules of kernels compiled for the CPU: shared libraries that register their kernels when loaded.
#pragma once

#include "kernel_interface.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace sim {

struct Module {
  struct DynamicArray {
    void* (*address)();
    size_t bytes;
  };

  std::string file;
  std::vector<DynamicArray> dynamicArrays;
  /** The location of its code and constants. */
  uintptr_t begin = 0, end = 0;
  /** Its thread-local variables, which are its shared memory. */
  size_t tlsModule = 0, tlsBytes = 0;

  bool contains(const void* address) const {
    return reinterpret_cast<uintptr_t>(address) >= begin && reinterpret_cast<uintptr_t>(address) < end;
  }
};

struct LoadedKernel {
  KernelEntry entry;
  const Module* module;
};

class Modules {
 public:
  static Modules& get();

  /** Loads all modules: those next to this library and those in the settings. Returns an error, or empty. */
  std::string load();
  /** Null if no module has it. */
  const LoadedKernel* find(const std::string& name) const;
  /** The folder this library was loaded from. */
  static std::string home();

  void enter(const KernelEntry& entry);
  void enter(const Module::DynamicArray& array);

 private:
  std::string loadFolder(const std::string& folder);
  std::string loadModule(const std::string& file);

  std::deque<Module> modules_;  // addresses stay
  std::unordered_map<std::string, LoadedKernel> kernels_;
  std::string problem_;
  bool loaded_ = false;
};

}  // namespace sim
