package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.function.Function;

/** The Driver API through Java's Foreign Function and Memory API. */
final class DriverThroughFfm implements CudaDriver {
  // CUlaunchConfig and CUlaunchAttribute of cuda.h.
  private static final int CONFIG_STREAM = 32;
  private static final int CONFIG_ATTRIBUTES = 40;
  private static final int CONFIG_ATTRIBUTE_COUNT = 48;
  private static final int CONFIG_BYTES = 56;
  private static final int ATTRIBUTE_VALUE = 8;
  private static final int ATTRIBUTE_BYTES = 72;
  private static final int PROGRAMMATIC_STREAM_SERIALIZATION = 6;

  private static final int NON_BLOCKING_STREAM = 1;
  private static final int UNTIMED_EVENT = 2;

  /** Other threads may call the driver during a capture. */
  private static final int CAPTURE_THREAD_LOCAL = 1;

  private static final int MAX_DYNAMIC_SHARED_SIZE = 8;
  private static final int NAME_BYTES = 256;
  private static final int LOG_BYTES = 8192;

  /** CU_JIT_ERROR_LOG_BUFFER and its size. */
  private static final int[] JIT_OPTIONS = {5, 6};

  /** An address that the driver returned. */
  record Address(MemorySegment pointer) implements StreamHandle {
    @Override
    public long address() {
      return pointer.address();
    }

    /** The string at a native pointer. */
    static String string(MemorySegment text) {
      return text.reinterpret(Long.MAX_VALUE).getString(0);
    }
  }

  private final MethodHandle driverGetVersion;
  private final MethodHandle deviceGetCount;
  private final MethodHandle deviceGet;
  private final MethodHandle deviceGetName;
  private final MethodHandle deviceTotalMem;
  private final MethodHandle deviceGetAttribute;
  private final MethodHandle primaryCtxRetain;
  private final MethodHandle ctxSetCurrent;
  private final MethodHandle memGetInfo;
  private final MethodHandle memAlloc;
  private final MethodHandle memFree;
  private final MethodHandle memHostAlloc;
  private final MethodHandle memFreeHost;
  private final MethodHandle memcpyHtoDAsync;
  private final MethodHandle memcpyDtoHAsync;
  private final MethodHandle memcpyDtoDAsync;
  private final MethodHandle memsetD8Async;
  private final MethodHandle streamCreate;
  private final MethodHandle streamDestroy;
  private final MethodHandle streamSynchronize;
  private final MethodHandle streamWaitEvent;
  private final MethodHandle eventCreate;
  private final MethodHandle eventDestroy;
  private final MethodHandle eventRecord;
  private final MethodHandle eventQuery;
  private final MethodHandle eventSynchronize;
  private final MethodHandle eventElapsedTime;
  private final MethodHandle streamBeginCapture;
  private final MethodHandle streamEndCapture;
  private final MethodHandle graphInstantiate;
  private final MethodHandle graphDestroy;
  private final MethodHandle graphLaunch;
  private final MethodHandle graphExecDestroy;
  private final MethodHandle moduleLoadDataEx;
  private final MethodHandle moduleUnload;
  private final MethodHandle moduleGetFunction;
  private final MethodHandle funcSetAttribute;
  private final MethodHandle launchKernel;
  private final MethodHandle launchKernelEx;
  private final MemorySegment overlappedLaunch = overlappedLaunch();
  private final MethodHandle getErrorName;

  /**
   * Starts the driver.
   *
   * @throws CudaUnavailableException if it does not start
   */
  DriverThroughFfm(NativeLibrary cuda) {
    getErrorName = cuda.function("cuGetErrorName", JAVA_INT, ADDRESS);
    driverGetVersion = cuda.function("cuDriverGetVersion", ADDRESS);
    deviceGetCount = cuda.function("cuDeviceGetCount", ADDRESS);
    deviceGet = cuda.function("cuDeviceGet", ADDRESS, JAVA_INT);
    deviceGetName = cuda.function("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT);
    deviceTotalMem = cuda.function("cuDeviceTotalMem_v2", ADDRESS, JAVA_INT);
    deviceGetAttribute = cuda.function("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    primaryCtxRetain = cuda.function("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT);
    ctxSetCurrent = cuda.function("cuCtxSetCurrent", ADDRESS);
    memGetInfo = cuda.function("cuMemGetInfo_v2", ADDRESS, ADDRESS);
    memAlloc = cuda.function("cuMemAlloc_v2", ADDRESS, JAVA_LONG);
    memFree = cuda.function("cuMemFree_v2", JAVA_LONG);
    memHostAlloc = cuda.function("cuMemHostAlloc", ADDRESS, JAVA_LONG, JAVA_INT);
    memFreeHost = cuda.function("cuMemFreeHost", ADDRESS);
    memcpyHtoDAsync = cuda.function("cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS);
    memcpyDtoHAsync = cuda.function("cuMemcpyDtoHAsync_v2", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    memcpyDtoDAsync =
        cuda.function("cuMemcpyDtoDAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
    memsetD8Async = cuda.function("cuMemsetD8Async", JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS);
    streamCreate = cuda.function("cuStreamCreate", ADDRESS, JAVA_INT);
    streamDestroy = cuda.function("cuStreamDestroy_v2", ADDRESS);
    streamSynchronize = cuda.function("cuStreamSynchronize", ADDRESS);
    streamWaitEvent = cuda.function("cuStreamWaitEvent", ADDRESS, ADDRESS, JAVA_INT);
    eventCreate = cuda.function("cuEventCreate", ADDRESS, JAVA_INT);
    eventDestroy = cuda.function("cuEventDestroy_v2", ADDRESS);
    eventRecord = cuda.function("cuEventRecord", ADDRESS, ADDRESS);
    eventQuery = cuda.function("cuEventQuery", ADDRESS);
    eventSynchronize = cuda.function("cuEventSynchronize", ADDRESS);
    eventElapsedTime = cuda.function("cuEventElapsedTime", ADDRESS, ADDRESS, ADDRESS);
    streamBeginCapture = cuda.function("cuStreamBeginCapture_v2", ADDRESS, JAVA_INT);
    streamEndCapture = cuda.function("cuStreamEndCapture", ADDRESS, ADDRESS);
    graphInstantiate = cuda.function("cuGraphInstantiateWithFlags", ADDRESS, ADDRESS, JAVA_LONG);
    graphDestroy = cuda.function("cuGraphDestroy", ADDRESS);
    graphLaunch = cuda.function("cuGraphLaunch", ADDRESS, ADDRESS);
    graphExecDestroy = cuda.function("cuGraphExecDestroy", ADDRESS);
    moduleLoadDataEx =
        cuda.function("cuModuleLoadDataEx", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    moduleUnload = cuda.function("cuModuleUnload", ADDRESS);
    moduleGetFunction = cuda.function("cuModuleGetFunction", ADDRESS, ADDRESS, ADDRESS);
    funcSetAttribute = cuda.function("cuFuncSetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    launchKernel =
        cuda.function(
            "cuLaunchKernel",
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            ADDRESS,
            ADDRESS,
            ADDRESS);
    launchKernelEx = cuda.function("cuLaunchKernelEx", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    MethodHandle init = cuda.function("cuInit", JAVA_INT);
    int status = NativeLibrary.status(() -> (int) init.invokeExact(0));
    if (status != 0) {
      throw CudaUnavailableException.notStarting(errorName(status), status);
    }
  }

  private void check(String call, NativeLibrary.Call body) {
    int status = NativeLibrary.status(body);
    if (status != 0) {
      throw new CudaException(call, status, errorName(status));
    }
  }

  private String errorName(int status) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(ADDRESS);
      int known = NativeLibrary.status(() -> (int) getErrorName.invokeExact(status, name));
      return known == 0 ? Address.string(name.get(ADDRESS, 0)) : "unknown error";
    }
  }

  /** Calls a function whose first argument is the address of an int to write. */
  private int readInt(String call, Function<MemorySegment, NativeLibrary.Call> body) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      check(call, body.apply(out));
      return out.get(JAVA_INT, 0);
    }
  }

  /** The same for a long. */
  private long readLong(String call, Function<MemorySegment, NativeLibrary.Call> body) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      check(call, body.apply(out));
      return out.get(JAVA_LONG, 0);
    }
  }

  /** The same for an address. */
  private Address readHandle(String call, Function<MemorySegment, NativeLibrary.Call> body) {
    return new Address(MemorySegment.ofAddress(readLong(call, body)));
  }

  /** The driver's number of a GPU. */
  private int handle(int device) {
    return readInt("cuDeviceGet", out -> () -> (int) deviceGet.invokeExact(out, device));
  }

  private static MemorySegment pointer(Handle handle) {
    return ((Address) handle).pointer();
  }

  @Override
  public int version() {
    return readInt("cuDriverGetVersion", out -> () -> (int) driverGetVersion.invokeExact(out));
  }

  @Override
  public int deviceCount() {
    return readInt("cuDeviceGetCount", out -> () -> (int) deviceGetCount.invokeExact(out));
  }

  @Override
  public String deviceName(int device) {
    int handle = handle(device);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(NAME_BYTES);
      check("cuDeviceGetName", () -> (int) deviceGetName.invokeExact(name, NAME_BYTES, handle));
      return name.getString(0);
    }
  }

  @Override
  public long deviceMemory(int device) {
    int handle = handle(device);
    return readLong("cuDeviceTotalMem", out -> () -> (int) deviceTotalMem.invokeExact(out, handle));
  }

  @Override
  public int attribute(DeviceAttribute attribute, int device) {
    int handle = handle(device);
    int number = attribute.number();
    return readInt(
        "cuDeviceGetAttribute " + attribute,
        out -> () -> (int) deviceGetAttribute.invokeExact(out, number, handle));
  }

  @Override
  public Handle retainContext(int device) {
    int handle = handle(device);
    return readHandle(
        "cuDevicePrimaryCtxRetain", out -> () -> (int) primaryCtxRetain.invokeExact(out, handle));
  }

  @Override
  public void makeCurrent(Handle context) {
    check("cuCtxSetCurrent", () -> (int) ctxSetCurrent.invokeExact(pointer(context)));
  }

  @Override
  public long freeMemory() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment total = arena.allocate(JAVA_LONG);
      return readLong("cuMemGetInfo", out -> () -> (int) memGetInfo.invokeExact(out, total));
    }
  }

  @Override
  public long allocate(long bytes) {
    return readLong(
        "cuMemAlloc of %,d bytes".formatted(bytes),
        out -> () -> (int) memAlloc.invokeExact(out, bytes));
  }

  @Override
  public void free(long address) {
    check("cuMemFree", () -> (int) memFree.invokeExact(address));
  }

  @Override
  public MemorySegment allocatePinned(long bytes) {
    long address =
        readLong(
            "cuMemHostAlloc of %,d bytes".formatted(bytes),
            out -> () -> (int) memHostAlloc.invokeExact(out, bytes, 0));
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  @Override
  public void freePinned(MemorySegment memory) {
    check("cuMemFreeHost", () -> (int) memFreeHost.invokeExact(memory));
  }

  @Override
  public void upload(long to, MemorySegment from, Handle stream) {
    long bytes = from.byteSize();
    check(
        "cuMemcpyHtoDAsync",
        () -> (int) memcpyHtoDAsync.invokeExact(to, from, bytes, pointer(stream)));
  }

  @Override
  public void download(MemorySegment to, long from, Handle stream) {
    long bytes = to.byteSize();
    check(
        "cuMemcpyDtoHAsync",
        () -> (int) memcpyDtoHAsync.invokeExact(to, from, bytes, pointer(stream)));
  }

  @Override
  public void copy(long to, long from, long bytes, Handle stream) {
    check(
        "cuMemcpyDtoDAsync",
        () -> (int) memcpyDtoDAsync.invokeExact(to, from, bytes, pointer(stream)));
  }

  @Override
  public void clear(long address, long bytes, Handle stream) {
    check(
        "cuMemsetD8Async",
        () -> (int) memsetD8Async.invokeExact(address, 0, bytes, pointer(stream)));
  }

  @Override
  public Handle createStream() {
    return readHandle(
        "cuStreamCreate", out -> () -> (int) streamCreate.invokeExact(out, NON_BLOCKING_STREAM));
  }

  @Override
  public void destroyStream(Handle stream) {
    check("cuStreamDestroy", () -> (int) streamDestroy.invokeExact(pointer(stream)));
  }

  @Override
  public void synchronize(Handle stream) {
    check("cuStreamSynchronize", () -> (int) streamSynchronize.invokeExact(pointer(stream)));
  }

  @Override
  public void await(Handle stream, Handle event) {
    check(
        "cuStreamWaitEvent",
        () -> (int) streamWaitEvent.invokeExact(pointer(stream), pointer(event), 0));
  }

  @Override
  public Handle createEvent(boolean timed) {
    int flags = timed ? 0 : UNTIMED_EVENT;
    return readHandle("cuEventCreate", out -> () -> (int) eventCreate.invokeExact(out, flags));
  }

  @Override
  public void destroyEvent(Handle event) {
    check("cuEventDestroy", () -> (int) eventDestroy.invokeExact(pointer(event)));
  }

  @Override
  public void record(Handle event, Handle stream) {
    check("cuEventRecord", () -> (int) eventRecord.invokeExact(pointer(event), pointer(stream)));
  }

  @Override
  public boolean reached(Handle event) {
    int status = NativeLibrary.status(() -> (int) eventQuery.invokeExact(pointer(event)));
    if (status != 0 && status != CudaException.NOT_READY) {
      throw new CudaException("cuEventQuery", status, errorName(status));
    }
    return status == 0;
  }

  @Override
  public void synchronizeEvent(Handle event) {
    check("cuEventSynchronize", () -> (int) eventSynchronize.invokeExact(pointer(event)));
  }

  @Override
  public float milliseconds(Handle from, Handle to) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(JAVA_FLOAT);
      check(
          "cuEventElapsedTime",
          () -> (int) eventElapsedTime.invokeExact(time, pointer(from), pointer(to)));
      return time.get(JAVA_FLOAT, 0);
    }
  }

  @Override
  public void beginCapture(Handle stream) {
    check(
        "cuStreamBeginCapture",
        () -> (int) streamBeginCapture.invokeExact(pointer(stream), CAPTURE_THREAD_LOCAL));
  }

  @Override
  public Handle endCapture(Handle stream) {
    Address graph =
        readHandle(
            "cuStreamEndCapture",
            out -> () -> (int) streamEndCapture.invokeExact(pointer(stream), out));
    try {
      return readHandle(
          "cuGraphInstantiate",
          out -> () -> (int) graphInstantiate.invokeExact(out, graph.pointer(), 0L));
    } finally {
      check("cuGraphDestroy", () -> (int) graphDestroy.invokeExact(graph.pointer()));
    }
  }

  @Override
  public void launchGraph(Handle graph, Handle stream) {
    check("cuGraphLaunch", () -> (int) graphLaunch.invokeExact(pointer(graph), pointer(stream)));
  }

  @Override
  public void destroyGraph(Handle graph) {
    check("cuGraphExecDestroy", () -> (int) graphExecDestroy.invokeExact(pointer(graph)));
  }

  @Override
  public Handle loadModule(String name, byte[] ptx) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = arena.allocate(ptx.length + 1L);
      image.copyFrom(MemorySegment.ofArray(ptx));
      MemorySegment log = arena.allocate(LOG_BYTES);
      MemorySegment options = arena.allocateFrom(JAVA_INT, JIT_OPTIONS);
      MemorySegment values = arena.allocateFrom(JAVA_LONG, log.address(), LOG_BYTES);
      MemorySegment module = arena.allocate(ADDRESS);
      int status =
          NativeLibrary.status(
              () ->
                  (int)
                      moduleLoadDataEx.invokeExact(
                          module, image, JIT_OPTIONS.length, options, values));
      if (status != 0) {
        String call = ("cuModuleLoadDataEx of %s.ptx %s").formatted(name, log.getString(0));
        throw new CudaException(call.strip(), status, errorName(status));
      }
      return new Address(MemorySegment.ofAddress(module.get(ADDRESS, 0).address()));
    }
  }

  @Override
  public void unloadModule(Handle module) {
    check("cuModuleUnload", () -> (int) moduleUnload.invokeExact(pointer(module)));
  }

  @Override
  public Handle function(Handle module, String entry) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(entry);
      return readHandle(
          "cuModuleGetFunction " + entry,
          out -> () -> (int) moduleGetFunction.invokeExact(out, pointer(module), name));
    }
  }

  @Override
  public void allowSharedMemory(Handle function, int bytes) {
    check(
        "cuFuncSetAttribute of %,d bytes of shared memory".formatted(bytes),
        () ->
            (int) funcSetAttribute.invokeExact(pointer(function), MAX_DYNAMIC_SHARED_SIZE, bytes));
  }

  @Override
  public void launch(Handle function, LaunchSize size, Handle stream, MemorySegment arguments) {
    if (size.overlapped()) {
      launchOverlapped(function, size, stream, arguments);
      return;
    }
    int status =
        NativeLibrary.status(
            () ->
                (int)
                    launchKernel.invokeExact(
                        pointer(function),
                        size.gridX(),
                        size.gridY(),
                        size.gridZ(),
                        size.blockX(),
                        size.blockY(),
                        1,
                        size.sharedBytes(),
                        pointer(stream),
                        arguments,
                        MemorySegment.NULL));
    if (status != 0) {
      throw new CudaException("cuLaunchKernel with " + size, status, errorName(status));
    }
  }

  private void launchOverlapped(
      Handle function, LaunchSize size, Handle stream, MemorySegment arguments) {
    MemorySegment config = overlappedLaunch;
    config.setAtIndex(JAVA_INT, 0, size.gridX());
    config.setAtIndex(JAVA_INT, 1, size.gridY());
    config.setAtIndex(JAVA_INT, 2, size.gridZ());
    config.setAtIndex(JAVA_INT, 3, size.blockX());
    config.setAtIndex(JAVA_INT, 4, size.blockY());
    config.setAtIndex(JAVA_INT, 5, 1);
    config.setAtIndex(JAVA_INT, 6, size.sharedBytes());
    config.set(ADDRESS, CONFIG_STREAM, pointer(stream));
    int status =
        NativeLibrary.status(
            () ->
                (int)
                    launchKernelEx.invokeExact(
                        config, pointer(function), arguments, MemorySegment.NULL));
    if (status != 0) {
      throw new CudaException("cuLaunchKernelEx with " + size, status, errorName(status));
    }
  }

  /**
   * A CUlaunchConfig with one attribute, programmatic stream serialization; the sizes and the
   * stream are filled in by each launch.
   */
  private static MemorySegment overlappedLaunch() {
    Arena arena = Arena.ofAuto();
    MemorySegment attribute = arena.allocate(ATTRIBUTE_BYTES, Long.BYTES);
    attribute.set(JAVA_INT, 0, PROGRAMMATIC_STREAM_SERIALIZATION);
    attribute.set(JAVA_INT, ATTRIBUTE_VALUE, 1);
    MemorySegment config = arena.allocate(CONFIG_BYTES, Long.BYTES);
    config.set(ADDRESS, CONFIG_ATTRIBUTES, attribute);
    config.set(JAVA_INT, CONFIG_ATTRIBUTE_COUNT, 1);
    return config;
  }
}
