#include "driver.h"

#include "memory.h"
#include "profiler.h"

#include <algorithm>
#include <cstdio>

namespace sim {

Driver& Driver::get() {
  static auto* driver = new Driver();  // never destroyed: workers outlive main
  return *driver;
}

Driver::Driver() {
  for (int device = 0; device < Settings::get().devices; device++) contexts_.push_back(std::make_unique<CUctx_st>(device));
}

bool Driver::isContext(CUcontext context) const {
  return std::any_of(contexts_.begin(), contexts_.end(), [&](const auto& known) { return known.get() == context; });
}

CUcontext& Driver::currentContext() {
  static thread_local CUcontext current = nullptr;
  return current;
}

// ---- streams --------------------------------------------------------------------------------------------------------

CUstream Driver::createStream(bool blocking) {
  auto* stream = new CUstream_st();
  stream->context = currentContext();
  stream->blocking = blocking;
  streams_.insert(stream);
  return stream;
}

CUresult Driver::destroyStream(CUstream stream) {
  if (streams_.count(stream) == 0) return CUDA_ERROR_INVALID_HANDLE;
  const CUresult result = drain(stream);
  streams_.erase(stream);
  delete stream;
  return result;
}

bool Driver::isStream(CUstream stream) const {
  return stream == nullptr || stream == CU_STREAM_LEGACY || stream == CU_STREAM_PER_THREAD || streams_.count(stream) > 0;
}

CUstream Driver::streamOf(CUstream handle) { return streams_.count(handle) > 0 ? handle : &currentContext()->defaultStream; }

CUresult Driver::submit(CUstream handle, std::function<CUresult()> work) {
  if (!isStream(handle)) return CUDA_ERROR_INVALID_HANDLE;
  const CUstream stream = streamOf(handle);
  if (stream->context != currentContext()) return CUDA_ERROR_INVALID_HANDLE;
  auto operation = std::make_shared<const std::function<CUresult()>>(std::move(work));
  if (stream->capture != nullptr) {
    Capture& capture = *stream->capture;
    capture.operations.push_back(operation);
    auto& unjoined = capture.unjoined;
    if (stream != capture.origin && std::count(unjoined.begin(), unjoined.end(), stream) == 0) unjoined.push_back(stream);
    return CUDA_SUCCESS;
  }
  if (stream == &currentContext()->defaultStream) {  // it and the blocking streams wait for each other
    if (!capturing_.empty()) return refuseDuringCapture();
    drainAll(true);
    return run(stream, operation);
  }
  stream->queue.push_back(operation);
  if (!Settings::get().lazyStreams) return drain(stream);
  if (stream->queue.size() > MAX_QUEUE) advance(stream);
  return CUDA_SUCCESS;
}

CUresult Driver::run(CUstream stream, const Operation& operation) {
  const CUcontext context = stream->context, caller = currentContext();
  if (context->lost != CUDA_SUCCESS) return context->lost;
  currentContext() = context;
  const CUresult result = (*operation)();
  if (result != CUDA_SUCCESS && context->lost == CUDA_SUCCESS) setSticky(result, "");
  currentContext() = caller;
  return context->lost;
}

void Driver::advance(CUstream stream) {
  if (stream->queue.empty()) return;
  const Operation operation = stream->queue.front();
  stream->queue.pop_front();
  run(stream, operation);
}

CUresult Driver::drain(CUstream stream) {
  while (!stream->queue.empty()) advance(stream);
  return stream->context->lost;
}

CUresult Driver::drainAll(bool blockingOnly) {
  for (CUstream stream : streams_) {
    if (stream->context == currentContext() && (stream->blocking || !blockingOnly)) drain(stream);
  }
  return sticky();
}

CUresult Driver::awaitMark(const std::shared_ptr<Mark>& mark) {
  while (!mark->reached && !mark->stream->queue.empty()) advance(mark->stream);
  return mark->stream->context->lost;
}

// ---- capture --------------------------------------------------------------------------------------------------------

CUresult Driver::beginCapture(CUstream stream) {
  if (streams_.count(stream) == 0 || stream->capture != nullptr) return CUDA_ERROR_ILLEGAL_STATE;
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  capturing_.insert(stream);
  return CUDA_SUCCESS;
}

CUresult Driver::endCapture(CUstream stream, CUgraph* graph) {
  if (streams_.count(stream) == 0 || stream->capture == nullptr) return CUDA_ERROR_ILLEGAL_STATE;
  const auto capture = stream->capture;
  if (capture->origin != stream) return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  for (CUstream other : streams_) {
    if (other->capture == capture) other->capture = nullptr;
  }
  capturing_.erase(stream);
  *graph = nullptr;
  if (capture->broken) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (!capture->unjoined.empty()) return CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  *graph = new CUgraph_st{capture->operations};
  return CUDA_SUCCESS;
}

CUresult Driver::refuseDuringCapture() {
  if (capturing_.empty()) return CUDA_SUCCESS;
  for (CUstream stream : capturing_) stream->capture->broken = true;
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

// ---- errors ---------------------------------------------------------------------------------------------------------

CUresult Driver::setSticky(CUresult result, const std::string& message) {
  currentContext()->lost = result;
  message_ = message;
  if (!message.empty()) std::fprintf(stderr, "CUDA simulator: %s\n", message.c_str());
  return result;
}

// ---- for cuBLAS -----------------------------------------------------------------------------------------------------

int submitMatrixProduct(void* stream, std::function<int()> work) {
  const CUresult result = inContext([&](Driver& driver) {
    if (driver.streamOf(static_cast<CUstream>(stream))->capture == nullptr) driver.counters.matrixProducts++;
    return driver.submit(static_cast<CUstream>(stream), [work = std::move(work), &driver] {
      if (work() == 0) return CUDA_SUCCESS;
      return driver.setSticky(CUDA_ERROR_ILLEGAL_ADDRESS, "cuBLAS: an operand is not device memory");
    });
  });
  constexpr int EXECUTION_FAILED = 13, NOT_INITIALIZED = 1;
  if (result == CUDA_ERROR_NOT_INITIALIZED || result == CUDA_ERROR_INVALID_CONTEXT) return NOT_INITIALIZED;
  return result == CUDA_SUCCESS ? 0 : EXECUTION_FAILED;
}

bool isDeviceMemory(const void* address, size_t bytes) {
  std::lock_guard<std::recursive_mutex> guard(Driver::get().lock);
  return DeviceMemory::get().contains(address, bytes);
}
bool profileProduct(const ProductCall& product) { return Profiler::get().note(product); }
void noteLibraryWrite(const void* address, size_t bytes) { DeviceMemory::get().noteHostWrite(address, bytes); }

}  // namespace sim
