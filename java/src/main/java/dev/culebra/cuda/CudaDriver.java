package dev.culebra.cuda;

import java.lang.foreign.MemorySegment;

/**
 * The part of the CUDA Driver API that Culebra uses, with typed arguments; one implementation per
 * {@link Binding}. Addresses are plain numbers; every other object of the driver is a {@link
 * Handle}. Every call throws {@link CudaException} if the driver reports an error. Calls with a
 * stream return before the work is done. Thread-safe like the driver; a thread must have called
 * {@link #makeCurrent} first.
 */
public interface CudaDriver {
  /** The newest CUDA version that the driver runs: 1000 · major + 10 · minor. */
  int version();

  /** The number of GPUs. */
  int deviceCount();

  /** Name of a GPU. */
  String deviceName(int device);

  /** Memory of a GPU in bytes. */
  long deviceMemory(int device);

  /** An attribute of a GPU. */
  int attribute(DeviceAttribute attribute, int device);

  /** The GPU's primary context, which is kept until the process ends. */
  Handle retainContext(int device);

  /** Directs this thread's calls to a context. */
  void makeCurrent(Handle context);

  /** Free memory of the current GPU, in bytes. */
  long freeMemory();

  /** Device memory, at a multiple of 256 bytes. */
  long allocate(long bytes);

  void free(long address);

  /** Pinned host memory; not zeroed. */
  MemorySegment allocatePinned(long bytes);

  void freePinned(MemorySegment memory);

  /** Copies from the host to the device. */
  void upload(long to, MemorySegment from, Handle stream);

  /** Copies from the device to the host. */
  void download(MemorySegment to, long from, Handle stream);

  /** Copies on the device. */
  void copy(long to, long from, long bytes, Handle stream);

  /** Sets bytes to 0. */
  void clear(long address, long bytes, Handle stream);

  /** A stream that does not wait for the default stream. */
  Handle createStream();

  void destroyStream(Handle stream);

  /** Waits until all work of a stream is done. */
  void synchronize(Handle stream);

  /** Later work on a stream waits for an event. */
  void await(Handle stream, Handle event);

  /** An event; with {@code timed}, one that {@link #milliseconds} can use. */
  Handle createEvent(boolean timed);

  void destroyEvent(Handle event);

  void record(Handle event, Handle stream);

  /** Whether the work before an event is done. */
  boolean reached(Handle event);

  /** Waits until the work before an event is done. */
  void synchronizeEvent(Handle event);

  /** Time between two reached events. */
  float milliseconds(Handle from, Handle to);

  /** Starts recording the work on a stream instead of running it. */
  void beginCapture(Handle stream);

  /** Ends the recording: the work, ready to be launched; to be destroyed. */
  Handle endCapture(Handle stream);

  void launchGraph(Handle graph, Handle stream);

  void destroyGraph(Handle graph);

  /**
   * Compiles PTX for the current GPU.
   *
   * @param name for the error message, which also contains the compiler's log
   */
  Handle loadModule(String name, byte[] ptx);

  void unloadModule(Handle module);

  /** A kernel of a module. */
  Handle function(Handle module, String entry);

  /** Lets a kernel use more than 48 KiB of dynamic shared memory. */
  void allowSharedMemory(Handle function, int bytes);

  /**
   * Launches a kernel.
   *
   * @param arguments addresses of the arguments, which are copied before this returns
   */
  void launch(Handle function, LaunchSize size, Handle stream, MemorySegment arguments);
}
