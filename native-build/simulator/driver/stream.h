// Streams: ordered queues of work; events: marks in them; capture: work that is recorded instead.
#pragma once

#include "cuda_api.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace sim {

/** A unit of work; shared, since a graph repeats it. */
using Operation = std::shared_ptr<const std::function<CUresult()>>;

/** The position in a stream at which an event was recorded. */
struct Mark {
  CUstream stream;
  bool reached = false;
  double milliseconds = 0;
};

/** Work captured from one stream and from those that were made to wait for it. */
struct Capture {
  CUstream origin;
  std::vector<Operation> operations;
  /** Joined streams with work that the origin does not wait for yet. */
  std::vector<CUstream> unjoined;
  /** A call that cannot be captured was made. */
  bool broken = false;
};

}  // namespace sim

struct CUstream_st {
  CUcontext context;
  bool blocking = true;
  std::deque<sim::Operation> queue;
  /** Null unless work is being captured. */
  std::shared_ptr<sim::Capture> capture;
};

struct CUevent_st {
  bool timed = true;
  /** Null before the first record. */
  std::shared_ptr<sim::Mark> mark;
  /** The capture it was last recorded in, if it was. */
  std::weak_ptr<sim::Capture> capture;
  CUstream capturedStream = nullptr;
};

struct CUgraph_st {
  std::vector<sim::Operation> operations;
};

struct CUgraphExec_st {
  std::shared_ptr<const std::vector<sim::Operation>> operations;
};

/** The primary context of a device: it always exists. */
struct CUctx_st {
  int device;
  CUstream_st defaultStream;
  /** The error of a kernel, which all later calls return: the context is lost. */
  CUresult lost = CUDA_SUCCESS;

  explicit CUctx_st(int device) : device(device) { defaultStream.context = this; }
  CUctx_st(const CUctx_st&) = delete;
};
