// The state behind the Driver API, and helpers shared by its functions.
#pragma once

#include "counters.h"
#include "cuda_api.h"
#include "kernel_interface.h"
#include "settings.h"
#include "stream.h"

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace sim {

struct ProductCall;

/** All devices, one lock. Methods are called with the lock held; "here" means the calling thread's context. */
class Driver {
 public:
  static constexpr int MULTIPROCESSORS = 4;

  static Driver& get();

  std::recursive_mutex lock;
  bool initialized = false;
  Counters counters;

  /** The context that calls of this OS thread go to; null if none. */
  static CUcontext& currentContext();
  /** The primary context of a device. */
  CUcontext contextOf(int device) { return contexts_[device].get(); }
  bool isContext(CUcontext context) const;

  // ---- streams ----
  CUstream createStream(bool blocking);
  CUresult destroyStream(CUstream stream);
  /** Whether a handle is a stream; 0 and the two special handles are the default stream here. */
  bool isStream(CUstream stream) const;
  /** The default stream here for null. */
  CUstream streamOf(CUstream handle);

  /** Submits work to a stream of this context: it is captured, queued, or done immediately. */
  CUresult submit(CUstream handle, std::function<CUresult()> work);
  CUresult drain(CUstream stream);
  /** All streams here that wait for the default stream, or all streams here. */
  CUresult drainAll(bool blockingOnly);
  /** Does the oldest work of a stream. */
  void advance(CUstream stream);
  CUresult awaitMark(const std::shared_ptr<Mark>& mark);

  // ---- capture ----
  CUresult beginCapture(CUstream stream);
  CUresult endCapture(CUstream stream, CUgraph* graph);
  /** If a capture is active, fails and invalidates the captures: for calls that are not allowed during capture. */
  CUresult refuseDuringCapture();

  // ---- errors ----
  /** The sticky error of the context here. */
  CUresult sticky() const { return currentContext() == nullptr ? CUDA_SUCCESS : currentContext()->lost; }
  CUresult setSticky(CUresult result, const std::string& message);
  const std::string& lastMessage() const { return message_; }

 private:
  /** The most work that may wait on one stream. */
  static constexpr size_t MAX_QUEUE = 4096;

  Driver();
  /** Does work in the context of its stream. */
  CUresult run(CUstream stream, const Operation& operation);

  std::vector<std::unique_ptr<CUctx_st>> contexts_;
  std::set<CUstream> streams_;
  std::set<CUstream> capturing_;
  std::string message_;
};

/** The body of a call that needs a context. */
template <typename Body>
CUresult inContext(Body body) {
  Driver& driver = Driver::get();
  std::lock_guard<std::recursive_mutex> guard(driver.lock);
  if (!driver.initialized) return CUDA_ERROR_NOT_INITIALIZED;
  if (Driver::currentContext() == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  if (driver.sticky() != CUDA_SUCCESS) return driver.sticky();
  return body(driver);
}

/** The body of a call that needs no context. */
template <typename Body>
CUresult inDriver(Body body) {
  Driver& driver = Driver::get();
  std::lock_guard<std::recursive_mutex> guard(driver.lock);
  if (!driver.initialized) return CUDA_ERROR_NOT_INITIALIZED;
  return body(driver);
}

/** For cuBLAS: work on a stream that returns 0 or a cuBLAS status. */
SIM_EXPORT int submitMatrixProduct(void* stream, std::function<int()> work);
/** Whether addresses are device memory; the checked build records what is written. */
SIM_EXPORT bool isDeviceMemory(const void* address, size_t bytes);
/** True in the profile build, which records a product instead of computing it. */
SIM_EXPORT bool profileProduct(const ProductCall& product);
SIM_EXPORT void noteLibraryWrite(const void* address, size_t bytes);

}  // namespace sim
