// The modules of kernels compiled for the CPU: shared libraries that enter their kernels when they are loaded.
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
  /** Where its code and constants lie. */
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

  /** Loads all modules: those beside this library and those of the settings. Empty, or what went wrong. */
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
