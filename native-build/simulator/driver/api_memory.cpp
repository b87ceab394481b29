// Device memory, pinned host memory, copies and fills.
#include "driver.h"
#include "memory.h"

#include <cstdlib>
#include <cstring>
#include <map>

using sim::DeviceMemory;
using sim::Driver;

namespace {

/** Pinned memory by address, with its size. */
std::map<void*, size_t>& pinned() {
  static auto* all = new std::map<void*, size_t>();
  return *all;
}

/** The device of the calling thread's context. */
int here() { return Driver::currentContext()->device; }

char* pointer(CUdeviceptr address) { return reinterpret_cast<char*>(address); }

bool isDevice(CUdeviceptr address, size_t bytes) { return DeviceMemory::get().contains(pointer(address), bytes); }

/** A copy or fill on a stream; `ok` says whether the memory it touches is valid. */
CUresult give(CUstream stream, bool ok, std::function<CUresult()> work) {
  return sim::inContext([&](Driver& driver) {
    if (!ok) return CUDA_ERROR_INVALID_VALUE;
    if (driver.isStream(stream) && driver.streamOf(stream)->capture == nullptr) driver.counters.asyncCopies++;
    return driver.submit(stream, std::move(work));
  });
}

/** The same on the calling thread, after all pending work of blocking streams. */
CUresult now(bool ok, const std::function<CUresult()>& work) {
  return sim::inContext([&](Driver& driver) {
    if (!ok) return CUDA_ERROR_INVALID_VALUE;
    const CUresult refused = driver.refuseDuringCapture();
    if (refused != CUDA_SUCCESS) return refused;
    driver.counters.synchronizations++;
    return driver.submit(nullptr, work);
  });
}

std::function<CUresult()> copy(void* to, const void* from, size_t bytes, bool toDevice) {
  return [=] {
    std::memmove(to, from, bytes);
    if (toDevice) DeviceMemory::get().noteHostWrite(to, bytes);
    return CUDA_SUCCESS;
  };
}

template <typename T>
std::function<CUresult()> fill(CUdeviceptr address, T value, size_t count) {
  return [=] {
    T* first = reinterpret_cast<T*>(address);
    for (size_t i = 0; i < count; i++) first[i] = value;
    DeviceMemory::get().noteHostWrite(first, count * sizeof(T));
    return CUDA_SUCCESS;
  };
}

CUresult allocatePinned(void** address, size_t bytes) {
  return sim::inContext([&](Driver& driver) {
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    const CUresult refused = driver.refuseDuringCapture();
    if (refused != CUDA_SUCCESS) return refused;
    constexpr size_t PAGE = 4096;
    *address = std::aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    if (*address == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
    pinned()[*address] = bytes;
    driver.counters.allocations++;
    return CUDA_SUCCESS;
  });
}

}  // namespace

extern "C" {

// ---- allocation -----------------------------------------------------------------------------------------------------

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  return sim::inContext([&](Driver&) {
    *free = DeviceMemory::get().free(here());
    *total = DeviceMemory::get().total();
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  return sim::inContext([&](Driver& driver) {
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    const CUresult refused = driver.refuseDuringCapture();
    if (refused != CUDA_SUCCESS) return refused;
    void* memory = DeviceMemory::get().allocate(bytes, here());
    if (memory == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
    driver.counters.allocations++;
    *address = reinterpret_cast<CUdeviceptr>(memory);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return sim::inContext([&](Driver& driver) {
    if (address == 0) return CUDA_SUCCESS;
    const CUresult refused = driver.refuseDuringCapture();
    if (refused != CUDA_SUCCESS) return refused;
    driver.drainAll(false);
    return DeviceMemory::get().release(pointer(address), here()) ? driver.sticky() : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemAllocHost_v2(void** address, size_t bytes) { return allocatePinned(address, bytes); }
CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned) { return allocatePinned(address, bytes); }

CUresult cuMemFreeHost(void* address) {
  return sim::inContext([&](Driver& driver) {
    driver.drainAll(false);
    if (pinned().erase(address) == 0) return CUDA_ERROR_INVALID_VALUE;
    std::free(address);
    return driver.sticky();
  });
}

// ---- copies ---------------------------------------------------------------------------------------------------------

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  return now(isDevice(to, bytes), copy(pointer(to), from, bytes, true));
}
CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  return now(isDevice(from, bytes), copy(to, pointer(from), bytes, false));
}
CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return now(isDevice(to, bytes) && isDevice(from, bytes), copy(pointer(to), pointer(from), bytes, true));
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  return give(stream, isDevice(to, bytes), copy(pointer(to), from, bytes, true));
}
CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return give(stream, isDevice(from, bytes), copy(to, pointer(from), bytes, false));
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return give(stream, isDevice(to, bytes) && isDevice(from, bytes), copy(pointer(to), pointer(from), bytes, true));
}

// ---- fills ----------------------------------------------------------------------------------------------------------

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  return now(isDevice(to, count), fill(to, value, count));
}
CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
  return now(isDevice(to, count * 2) && to % 2 == 0, fill(to, value, count));
}
CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  return now(isDevice(to, count * 4) && to % 4 == 0, fill(to, value, count));
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  return give(stream, isDevice(to, count), fill(to, value, count));
}
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  return give(stream, isDevice(to, count * 2) && to % 2 == 0, fill(to, value, count));
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  return give(stream, isDevice(to, count * 4) && to % 4 == 0, fill(to, value, count));
}

}  // extern "C"
