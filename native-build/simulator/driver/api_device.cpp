// The device, its attributes and its context.
#include "driver.h"
#include "memory.h"
#include "modules.h"

#include <cstdio>
#include <map>

using sim::Driver;
using sim::Settings;

namespace {

const std::map<int, int>& attributes() {
  static const std::map<int, int> all = {
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, Settings::get().capability / 10},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, Settings::get().capability % 10},
      {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, Driver::MULTIPROCESSORS},
      {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
      {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1000000},
      {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 1000000},
      {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 64},
      {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 4 << 20},
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, 32},
      {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 48 << 10},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, Settings::get().sharedBytesOfBlock()},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, Settings::get().sharedBytesOfMultiprocessor()},
      {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, 1 << 10},
      {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
      {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 2},
      {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
  };
  return all;
}

bool isDevice(CUdevice device) { return device >= 0 && device < Settings::get().devices; }

}  // namespace

extern "C" {

CUresult cuInit(unsigned flags) {
  if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
  if (Settings::get().devices == 0) return CUDA_ERROR_NO_DEVICE;
  Driver& driver = Driver::get();
  std::lock_guard<std::recursive_mutex> guard(driver.lock);
  const std::string problem = sim::Modules::get().load();
  if (!problem.empty()) {
    std::fprintf(stderr, "CUDA simulator: %s\n", problem.c_str());
    return CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
  }
  driver.initialized = true;
  return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int* version) {
  *version = Settings::get().driverVersion;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
  return sim::inDriver([&](Driver&) {
    *count = Settings::get().devices;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return sim::inDriver([&](Driver&) {
    if (!isDevice(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetName(char* name, int bytes, CUdevice device) {
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  std::snprintf(name, bytes, "CUDA simulator (CPU)");
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  *bytes = sim::DeviceMemory::get().total();
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  const auto found = attributes().find(attribute);
  *value = found == attributes().end() ? 0 : found->second;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  return sim::inDriver([&](Driver& driver) {
    if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
    *context = driver.contextOf(device);
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return sim::inDriver([&](Driver&) { return isDevice(device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE; });
}

/** As declared by CUDA 12, for JCuda; the context is the primary one. */
SIM_EXPORT CUresult cuCtxCreate_v2(CUcontext* context, unsigned, CUdevice device) {
  const CUresult result = cuDevicePrimaryCtxRetain(context, device);
  if (result == CUDA_SUCCESS) Driver::currentContext() = *context;
  return result;
}

CUresult cuCtxDestroy_v2(CUcontext context) {
  return sim::inDriver([&](Driver& driver) {
    if (!driver.isContext(context)) return CUDA_ERROR_INVALID_CONTEXT;
    Driver::currentContext() = nullptr;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetCurrent(CUcontext context) {
  return sim::inDriver([&](Driver& driver) {
    if (context != nullptr && !driver.isContext(context)) return CUDA_ERROR_INVALID_CONTEXT;
    Driver::currentContext() = context;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext* context) {
  *context = Driver::currentContext();
  return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice* device) {
  return sim::inContext([&](Driver&) {
    *device = Driver::currentContext()->device;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() {
  return sim::inContext([](Driver& driver) {
    driver.counters.synchronizations++;
    const CUresult refused = driver.refuseDuringCapture();
    return refused != CUDA_SUCCESS ? refused : driver.drainAll(false);
  });
}

}  // extern "C"
