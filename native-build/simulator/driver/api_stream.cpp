// Streams, events and graphs.
#include "driver.h"

#include <ctime>

using sim::Driver;

namespace {

double milliseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec * 1e-6;
}

}  // namespace

extern "C" {

// ---- streams --------------------------------------------------------------------------------------------------------

CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  return sim::inContext([&](Driver& driver) {
    *stream = driver.createStream((flags & CU_STREAM_NON_BLOCKING) == 0);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int) { return cuStreamCreate(stream, flags); }

CUresult cuStreamDestroy_v2(CUstream stream) {
  return sim::inContext([&](Driver& driver) { return driver.destroyStream(stream); });
}

CUresult cuStreamSynchronize(CUstream stream) {
  return sim::inContext([&](Driver& driver) {
    if (!driver.isStream(stream)) return CUDA_ERROR_INVALID_HANDLE;
    driver.counters.synchronizations++;
    const CUresult refused = driver.refuseDuringCapture();
    return refused != CUDA_SUCCESS ? refused : driver.drain(driver.streamOf(stream));
  });
}

CUresult cuStreamQuery(CUstream stream) {
  return sim::inContext([&](Driver& driver) {
    if (!driver.isStream(stream)) return CUDA_ERROR_INVALID_HANDLE;
    const CUstream own = driver.streamOf(stream);
    if (own->queue.empty()) return CUDA_SUCCESS;
    driver.advance(own);  // repeated queries see it finish
    return CUDA_ERROR_NOT_READY;
  });
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
  return sim::inContext([&](Driver& driver) {
    if (!driver.isStream(handle)) return CUDA_ERROR_INVALID_HANDLE;
    const CUstream stream = driver.streamOf(handle);
    if (const auto capture = event->capture.lock()) {  // joins the capture, or joins its branch back to the origin
      if (stream->capture == nullptr) stream->capture = capture;
      if (stream == capture->origin) {
        auto& unjoined = capture->unjoined;
        for (size_t i = unjoined.size(); i-- > 0;) {
          if (unjoined[i] == event->capturedStream) unjoined.erase(unjoined.begin() + i);
        }
      }
      return CUDA_SUCCESS;
    }
    if (event->mark == nullptr) return CUDA_SUCCESS;
    if (stream->capture != nullptr) return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    return driver.submit(handle, [&driver, mark = event->mark] { return driver.awaitMark(mark); });
  });
}

// ---- events ---------------------------------------------------------------------------------------------------------

CUresult cuEventCreate(CUevent* event, unsigned flags) {
  return sim::inContext([&](Driver&) {
    *event = new CUevent_st();
    (*event)->timed = (flags & CU_EVENT_DISABLE_TIMING) == 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy_v2(CUevent event) {
  return sim::inContext([&](Driver&) {
    delete event;
    return CUDA_SUCCESS;
  });
}

CUresult cuEventRecord(CUevent event, CUstream handle) {
  return sim::inContext([&](Driver& driver) {
    if (!driver.isStream(handle)) return CUDA_ERROR_INVALID_HANDLE;
    const CUstream stream = driver.streamOf(handle);
    event->capture = stream->capture;
    event->capturedStream = stream;
    if (stream->capture != nullptr) return CUDA_SUCCESS;
    event->mark = std::make_shared<sim::Mark>();
    event->mark->stream = stream;
    return driver.submit(handle, [mark = event->mark] {
      mark->reached = true;
      mark->milliseconds = milliseconds();
      return CUDA_SUCCESS;
    });
  });
}

CUresult cuEventSynchronize(CUevent event) {
  return sim::inContext([&](Driver& driver) {
    driver.counters.synchronizations++;
    if (event->capture.lock() != nullptr) return CUDA_ERROR_CAPTURED_EVENT;
    return event->mark == nullptr ? CUDA_SUCCESS : driver.awaitMark(event->mark);
  });
}

CUresult cuEventQuery(CUevent event) {
  return sim::inContext([&](Driver& driver) {
    if (event->mark == nullptr || event->mark->reached) return CUDA_SUCCESS;
    driver.advance(event->mark->stream);
    return CUDA_ERROR_NOT_READY;
  });
}

/** CUDA 12's name, used by JCuda; CUDA 13's is cuEventElapsedTime_v2. */
#undef cuEventElapsedTime
SIM_EXPORT CUresult cuEventElapsedTime(float* elapsed, CUevent from, CUevent to) {
  return sim::inContext([&](Driver&) {
    if (from->mark == nullptr || to->mark == nullptr || !from->timed || !to->timed) return CUDA_ERROR_INVALID_HANDLE;
    if (!from->mark->reached || !to->mark->reached) return CUDA_ERROR_NOT_READY;
    *elapsed = static_cast<float>(to->mark->milliseconds - from->mark->milliseconds);
    return CUDA_SUCCESS;
  });
}
SIM_EXPORT CUresult cuEventElapsedTime_v2(float* elapsed, CUevent from, CUevent to) {
  return cuEventElapsedTime(elapsed, from, to);
}

// ---- graphs ---------------------------------------------------------------------------------------------------------

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode) {
  return sim::inContext([&](Driver& driver) { return driver.beginCapture(stream); });
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
  return sim::inContext([&](Driver& driver) { return driver.endCapture(stream, graph); });
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* status) {
  return sim::inContext([&](Driver& driver) {
    const auto& capture = driver.streamOf(stream)->capture;
    *status = capture == nullptr  ? CU_STREAM_CAPTURE_STATUS_NONE
              : capture->broken ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                  : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long) {
  return sim::inContext([&](Driver&) {
    *executable = new CUgraphExec_st{std::make_shared<const std::vector<sim::Operation>>(graph->operations)};
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphUpload(CUgraphExec, CUstream) {
  return sim::inContext([](Driver&) { return CUDA_SUCCESS; });
}

CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode*, size_t* count) {
  return sim::inContext([&](Driver&) {
    *count = graph->operations.size();
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  return sim::inContext([&](Driver& driver) {
    driver.counters.graphLaunches++;
    return driver.submit(stream, [operations = executable->operations] {
      for (const auto& operation : *operations) {
        const CUresult result = (*operation)();
        if (result != CUDA_SUCCESS) return result;
      }
      return CUDA_SUCCESS;
    });
  });
}

CUresult cuGraphDestroy(CUgraph graph) {
  return sim::inContext([&](Driver&) {
    delete graph;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
  return sim::inContext([&](Driver&) {
    delete executable;
    return CUDA_SUCCESS;
  });
}

}  // extern "C"
