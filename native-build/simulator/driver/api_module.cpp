// Modules, kernels and launches.
#include "driver.h"
#include "grid.h"
#include "profiler.h"
#include "ptx.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

using sim::Driver;
using sim::Settings;

struct CUfunc_st {
  sim::PtxEntry ptx;
  const sim::LoadedKernel* kernel;
  CUmodule module;
  int maxDynamicSharedBytes = 0;
};

struct CUmod_st {
  std::map<std::string, CUfunc_st> functions;
  int ptxVersion, target;
  CUcontext context = Driver::currentContext();
};

namespace {

constexpr int SHARED_BYTES = 48 << 10;

struct LoadError {
  CUresult result;
  std::string log;
};

/** A kernel's entry in the PTX must match the kernel compiled for the CPU; otherwise one of them is outdated. */
std::string differs(const sim::PtxEntry& ptx, const sim::KernelEntry& compiled) {
  const std::vector<int> bytes(compiled.parameterBytes, compiled.parameterBytes + compiled.parameters);
  if (ptx.parameterBytes == bytes) return "";
  return "kernel " + ptx.name + " has different parameters in the PTX and in the simulator: rebuild it";
}

LoadError load(const std::string& text, CUmod_st& module) {
  const sim::Ptx ptx = sim::parsePtx(text);
  if (!ptx.problem.empty()) return {CUDA_ERROR_INVALID_PTX, "ptxas application ptx input, " + ptx.problem};
  // CUDA 12.x reads PTX up to 8.x, CUDA 13.x up to 9.x.
  const int driver = Settings::get().driverVersion, readable = (driver / 1000 - 4) * 10 + driver % 1000 / 10;
  char message[200];
  if (ptx.version > readable) {
    std::snprintf(message, sizeof message, "PTX .version %d.%d is not supported by a driver for CUDA %d.%d", ptx.version / 10,
                  ptx.version % 10, driver / 1000, driver % 1000 / 10);
    return {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, message};
  }
  if (ptx.target > Settings::get().capability || (ptx.onlyTarget && ptx.target < Settings::get().capability)) {
    std::snprintf(message, sizeof message, "PTX for sm_%d%s cannot run on a device of capability %d.%d", ptx.target,
                  ptx.onlyTarget ? "a" : "", Settings::get().capability / 10, Settings::get().capability % 10);
    return {CUDA_ERROR_NO_BINARY_FOR_GPU, message};
  }
  module.ptxVersion = ptx.version;
  module.target = ptx.target;
  for (const sim::PtxEntry& entry : ptx.entries) {
    const sim::LoadedKernel* kernel = sim::Modules::get().find(entry.name);
    if (kernel == nullptr) return {CUDA_ERROR_NOT_FOUND, "the simulator has no kernel " + entry.name + ": rebuild it"};
    const std::string difference = differs(entry, kernel->entry);
    if (!difference.empty()) return {CUDA_ERROR_INVALID_IMAGE, difference};
    module.functions[entry.name] = {entry, kernel, &module};
  }
  return {CUDA_SUCCESS, ""};
}

/** The buffer for compiler errors in the options of a load, and its size. */
struct ErrorLog {
  char* buffer = nullptr;
  size_t bytes = 0;

  ErrorLog(unsigned count, const CUjit_option* options, void** values) {
    for (unsigned i = 0; i < count; i++) {
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER) buffer = static_cast<char*>(values[i]);
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) bytes = reinterpret_cast<size_t>(values[i]) & 0xffffffffu;
    }
  }

  void write(const std::string& text) const {
    if (buffer != nullptr && bytes > 0) std::snprintf(buffer, bytes, "%s", text.c_str());
  }
};

/** A copy of a launch's parameters: the caller's may no longer exist when it runs. */
class Parameters {
 public:
  Parameters(const sim::KernelEntry& kernel, void** from) {
    size_t bytes = 0;
    for (int i = 0; i < kernel.parameters; i++) bytes += slot(kernel.parameterBytes[i]);
    memory_.reset(static_cast<char*>(std::aligned_alloc(SLOT, std::max(bytes, SLOT))));
    char* next = memory_.get();
    for (int i = 0; i < kernel.parameters; i++) {
      std::memcpy(next, from[i], kernel.parameterBytes[i]);
      addresses_.push_back(next);
      next += slot(kernel.parameterBytes[i]);
    }
  }

  void** addresses() { return addresses_.data(); }

 private:
  static constexpr size_t SLOT = 64;  // the alignment of the largest value that can be passed
  static size_t slot(size_t bytes) { return (bytes + SLOT - 1) / SLOT * SLOT; }

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> memory_;
  std::vector<void*> addresses_;
};

/** As many as a multiprocessor's threads and shared memory allow; registers are not known here. */
int blocksOfMultiprocessor(const CUfunc_st& function, int threads, size_t dynamicBytes) {
  const int warps = (threads + 31) / 32, reserved = 1 << 10;
  const int shared = static_cast<int>(function.ptx.staticSharedBytes + dynamicBytes) + reserved;
  return std::min({32, 64 / warps, sim::Settings::get().sharedBytesOfMultiprocessor() / shared});
}

/** Registers per thread by the launch bounds, for kernels with setmaxnreg; 0 without bounds. */
int registersOfThread(const CUfunc_st& function) {
  return function.ptx.hasBounds ? std::min(256, 65536 / (function.ptx.maxThreads * function.ptx.minBlocks) / 8 * 8) : 0;
}

bool isLaunchable(const CUfunc_st& function, const sim::Launch& launch) {
  const auto [gx, gy, gz] = launch.grid;
  const auto [bx, by, bz] = launch.block;
  const uint64_t threads = uint64_t{bx} * by * bz;
  if (gx == 0 || gy == 0 || gz == 0 || threads == 0) return false;
  if (gx > 0x7fffffffu || gy > 65535 || gz > 65535 || bz > 64) return false;
  if (threads > static_cast<uint64_t>(function.ptx.maxThreads)) return false;
  const size_t shared = launch.dynamicSharedBytes + function.ptx.staticSharedBytes;
  return shared <= SHARED_BYTES || launch.dynamicSharedBytes <= static_cast<size_t>(function.maxDynamicSharedBytes);
}

CUresult runNow(const sim::Launch& launch, void** parameters) {
  Driver& driver = Driver::get();
  driver.counters.kernelsRun++;
  if (sim::Settings::get().skipKernels) return CUDA_SUCCESS;
  if (!sim::Profiler::get().begin(launch, parameters)) return CUDA_SUCCESS;
  const sim::Outcome outcome = sim::runGrid(launch, parameters);
  sim::Profiler::get().end();
  switch (outcome.kind) {
    case sim::Outcome::DONE:
      return CUDA_SUCCESS;
    case sim::Outcome::ILLEGAL_ADDRESS:
      return driver.setSticky(CUDA_ERROR_ILLEGAL_ADDRESS, outcome.message);
    case sim::Outcome::MISALIGNED_ADDRESS:
      return driver.setSticky(CUDA_ERROR_MISALIGNED_ADDRESS, outcome.message);
    case sim::Outcome::FAILED:
      break;
  }
  return driver.setSticky(CUDA_ERROR_LAUNCH_FAILED, outcome.message);
}

}  // namespace

extern "C" {

// ---- modules --------------------------------------------------------------------------------------------------------

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, CUjit_option* options, void** values) {
  return sim::inContext([&](Driver&) {
    auto loaded = std::make_unique<CUmod_st>();
    const LoadError error = load(static_cast<const char*>(image), *loaded);
    if (error.result == CUDA_SUCCESS) {
      *module = loaded.release();
    } else {
      ErrorLog(count, options, values).write(error.log);
      if (error.result != CUDA_ERROR_INVALID_PTX) std::fprintf(stderr, "CUDA simulator: %s\n", error.log.c_str());
    }
    return error.result;
  });
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) { return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr); }

CUresult cuModuleUnload(CUmodule module) {
  return sim::inContext([&](Driver& driver) {
    driver.drainAll(false);
    delete module;
    return driver.sticky();
  });
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  return sim::inContext([&](Driver&) {
    const auto found = module->functions.find(name);
    if (found == module->functions.end()) return CUDA_ERROR_NOT_FOUND;
    *function = &found->second;
    return CUDA_SUCCESS;
  });
}

// ---- functions ------------------------------------------------------------------------------------------------------

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction function) {
  return sim::inContext([&](Driver&) {
    switch (attribute) {
      case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        *value = function->ptx.maxThreads;
        return CUDA_SUCCESS;
      case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
        *value = static_cast<int>(function->ptx.staticSharedBytes);
        return CUDA_SUCCESS;
      case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        *value = std::max(function->maxDynamicSharedBytes, SHARED_BYTES - static_cast<int>(function->ptx.staticSharedBytes));
        return CUDA_SUCCESS;
      case CU_FUNC_ATTRIBUTE_PTX_VERSION:
        *value = function->module->target;
        return CUDA_SUCCESS;
      case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
        *value = Settings::get().capability;
        return CUDA_SUCCESS;
      case CU_FUNC_ATTRIBUTE_NUM_REGS:  // of an imaginary compiler
        *value = std::min(255, 65536 / function->ptx.maxThreads);
        return CUDA_SUCCESS;
      case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
        *value = 0;
        return CUDA_SUCCESS;
      default:
        return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  return sim::inContext([&](Driver&) {
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return CUDA_SUCCESS;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) return CUDA_ERROR_INVALID_VALUE;
    const int largest = sim::Settings::get().sharedBytesOfBlock() - static_cast<int>(function->ptx.staticSharedBytes);
    if (value < 0 || value > largest) return CUDA_ERROR_INVALID_VALUE;
    function->maxDynamicSharedBytes = value;
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int threads, size_t dynamicBytes) {
  return sim::inContext([&](Driver&) {
    if (threads <= 0 || threads > function->ptx.maxThreads) return CUDA_ERROR_INVALID_VALUE;
    *blocks = blocksOfMultiprocessor(*function, threads, dynamicBytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** parameters, void** extra) {
  return sim::inContext([&](Driver& driver) {
    sim::Launch launch{function->kernel,
                       {config->gridDimX, config->gridDimY, config->gridDimZ},
                       {config->blockDimX, config->blockDimY, config->blockDimZ},
                       config->sharedMemBytes,
                       1,
                       registersOfThread(*function)};
    for (unsigned i = 0; i < config->numAttrs; i++) {
      if (config->attrs[i].id != CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION) return CUDA_ERROR_NOT_SUPPORTED;
      launch.overlapped = config->attrs[i].value.programmaticStreamSerializationAllowed != 0;
    }
    const CUstream stream = config->hStream;
    const sim::KernelEntry& kernel = function->kernel->entry;
    if (extra != nullptr || (parameters == nullptr && kernel.parameters > 0)) return CUDA_ERROR_INVALID_VALUE;
    if (!driver.isStream(stream) || function->module->context != Driver::currentContext()) return CUDA_ERROR_INVALID_HANDLE;
    if (!isLaunchable(*function, launch)) return CUDA_ERROR_INVALID_VALUE;
    const int threads = launch.block.x * launch.block.y * launch.block.z;
    launch.residents = Driver::MULTIPROCESSORS * blocksOfMultiprocessor(*function, threads, launch.dynamicSharedBytes);
    if (driver.streamOf(stream)->capture == nullptr) driver.counters.kernelLaunches++;
    auto copied = std::make_shared<Parameters>(kernel, parameters);
    return driver.submit(stream, [launch, copied] { return runNow(launch, copied->addresses()); });
  });
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream, void** parameters, void** extra) {
  const CUlaunchConfig config{gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, nullptr, 0};
  return cuLaunchKernelEx(&config, function, parameters, extra);
}

}  // extern "C"
