package dev.culebra.cuda;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import jcuda.driver.JITOptions;

/** The Driver API through JCuda. */
final class DriverThroughJCuda implements CudaDriver {
  private static final int NON_BLOCKING_STREAM = 1;
  private static final int UNTIMED_EVENT = 2;
  private static final int CAPTURE_THREAD_LOCAL = 1;
  private static final int MAX_DYNAMIC_SHARED_SIZE = 8;
  private static final int NAME_BYTES = 256;
  private static final int LOG_BYTES = 8192;

  private static final class Context extends CUcontext implements Handle {}

  /** JCublas accepts it directly. */
  static final class Stream extends CUstream implements StreamHandle {
    @Override
    public long address() {
      return getNativePointer();
    }
  }

  private static final class Event extends CUevent implements Handle {}

  private static final class Graph extends CUgraphExec implements Handle {}

  private static final class Module extends CUmodule implements Handle {}

  private static final class Function extends CUfunction implements Handle {}

  /** Device memory allocated by JCuda, with its address exposed. */
  private static final class Allocation extends CUdeviceptr {
    long address() {
      return getNativePointer();
    }
  }

  /** The same for host memory. */
  private static final class HostAllocation extends Pointer {
    long address() {
      return getNativePointer();
    }
  }

  /**
   * Starts the driver.
   *
   * @throws CudaUnavailableException if it does not start
   */
  DriverThroughJCuda() {
    int status = JCudaDriver.cuInit(0);
    if (status != 0) {
      throw CudaUnavailableException.notStarting(errorName(status), status);
    }
  }

  private static void check(String call, int status) {
    if (status != 0) {
      throw new CudaException(call, status, errorName(status));
    }
  }

  private static String errorName(int status) {
    String[] name = new String[1];
    JCudaDriver.cuGetErrorName(status, name);
    return name[0] == null ? "unknown error" : name[0];
  }

  /** JCuda cannot make a pointer from a number, except as an offset from the null pointer. */
  static CUdeviceptr device(long address) {
    return new CUdeviceptr().withByteOffset(address);
  }

  private static Pointer host(MemorySegment memory) {
    return new Pointer().withByteOffset(memory.address());
  }

  private static CUdevice device(int ordinal) {
    CUdevice device = new CUdevice();
    check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
    return device;
  }

  @Override
  public int version() {
    int[] version = new int[1];
    check("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(version));
    return version[0];
  }

  @Override
  public int deviceCount() {
    int[] count = new int[1];
    check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
    return count[0];
  }

  @Override
  public String deviceName(int device) {
    byte[] name = new byte[NAME_BYTES];
    check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, NAME_BYTES, device(device)));
    return text(name);
  }

  private static String text(byte[] zeroTerminated) {
    int length = 0;
    while (length < zeroTerminated.length && zeroTerminated[length] != 0) {
      length++;
    }
    return new String(Arrays.copyOf(zeroTerminated, length), StandardCharsets.UTF_8);
  }

  @Override
  public long deviceMemory(int device) {
    long[] bytes = new long[1];
    check("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(bytes, device(device)));
    return bytes[0];
  }

  @Override
  public int attribute(DeviceAttribute attribute, int device) {
    int[] value = new int[1];
    check(
        "cuDeviceGetAttribute " + attribute,
        JCudaDriver.cuDeviceGetAttribute(value, attribute.number(), device(device)));
    return value[0];
  }

  @Override
  public Handle retainContext(int device) {
    Context context = new Context();
    check(
        "cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device(device)));
    return context;
  }

  @Override
  public void makeCurrent(Handle context) {
    check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent((Context) context));
  }

  @Override
  public long freeMemory() {
    long[] free = new long[1];
    check("cuMemGetInfo", JCudaDriver.cuMemGetInfo(free, new long[1]));
    return free[0];
  }

  @Override
  public long allocate(long bytes) {
    Allocation memory = new Allocation();
    check("cuMemAlloc of %,d bytes".formatted(bytes), JCudaDriver.cuMemAlloc(memory, bytes));
    return memory.address();
  }

  @Override
  public void free(long address) {
    check("cuMemFree", JCudaDriver.cuMemFree(device(address)));
  }

  @Override
  public MemorySegment allocatePinned(long bytes) {
    HostAllocation memory = new HostAllocation();
    check(
        "cuMemHostAlloc of %,d bytes".formatted(bytes),
        JCudaDriver.cuMemHostAlloc(memory, bytes, 0));
    return MemorySegment.ofAddress(memory.address()).reinterpret(bytes);
  }

  @Override
  public void freePinned(MemorySegment memory) {
    check("cuMemFreeHost", JCudaDriver.cuMemFreeHost(host(memory)));
  }

  @Override
  public void upload(long to, MemorySegment from, Handle stream) {
    check(
        "cuMemcpyHtoDAsync",
        JCudaDriver.cuMemcpyHtoDAsync(device(to), host(from), from.byteSize(), (Stream) stream));
  }

  @Override
  public void download(MemorySegment to, long from, Handle stream) {
    check(
        "cuMemcpyDtoHAsync",
        JCudaDriver.cuMemcpyDtoHAsync(host(to), device(from), to.byteSize(), (Stream) stream));
  }

  @Override
  public void copy(long to, long from, long bytes, Handle stream) {
    check(
        "cuMemcpyDtoDAsync",
        JCudaDriver.cuMemcpyDtoDAsync(device(to), device(from), bytes, (Stream) stream));
  }

  @Override
  public void clear(long address, long bytes, Handle stream) {
    check(
        "cuMemsetD8Async",
        JCudaDriver.cuMemsetD8Async(device(address), (byte) 0, bytes, (Stream) stream));
  }

  @Override
  public Handle createStream() {
    Stream stream = new Stream();
    check("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, NON_BLOCKING_STREAM));
    return stream;
  }

  @Override
  public void destroyStream(Handle stream) {
    check("cuStreamDestroy", JCudaDriver.cuStreamDestroy((Stream) stream));
  }

  @Override
  public void synchronize(Handle stream) {
    check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize((Stream) stream));
  }

  @Override
  public void await(Handle stream, Handle event) {
    check("cuStreamWaitEvent", JCudaDriver.cuStreamWaitEvent((Stream) stream, (Event) event, 0));
  }

  @Override
  public Handle createEvent(boolean timed) {
    Event event = new Event();
    check("cuEventCreate", JCudaDriver.cuEventCreate(event, timed ? 0 : UNTIMED_EVENT));
    return event;
  }

  @Override
  public void destroyEvent(Handle event) {
    check("cuEventDestroy", JCudaDriver.cuEventDestroy((Event) event));
  }

  @Override
  public void record(Handle event, Handle stream) {
    check("cuEventRecord", JCudaDriver.cuEventRecord((Event) event, (Stream) stream));
  }

  @Override
  public boolean reached(Handle event) {
    int status = JCudaDriver.cuEventQuery((Event) event);
    if (status != CudaException.NOT_READY) {
      check("cuEventQuery", status);
    }
    return status == 0;
  }

  @Override
  public void synchronizeEvent(Handle event) {
    check("cuEventSynchronize", JCudaDriver.cuEventSynchronize((Event) event));
  }

  @Override
  public float milliseconds(Handle from, Handle to) {
    float[] time = new float[1];
    check("cuEventElapsedTime", JCudaDriver.cuEventElapsedTime(time, (Event) from, (Event) to));
    return time[0];
  }

  @Override
  public void beginCapture(Handle stream) {
    check(
        "cuStreamBeginCapture",
        JCudaDriver.cuStreamBeginCapture((Stream) stream, CAPTURE_THREAD_LOCAL));
  }

  @Override
  public Handle endCapture(Handle stream) {
    CUgraph captured = new CUgraph();
    check("cuStreamEndCapture", JCudaDriver.cuStreamEndCapture((Stream) stream, captured));
    try {
      Graph graph = new Graph();
      check("cuGraphInstantiate", JCudaDriver.cuGraphInstantiate(graph, captured, 0));
      return graph;
    } finally {
      check("cuGraphDestroy", JCudaDriver.cuGraphDestroy(captured));
    }
  }

  @Override
  public void launchGraph(Handle graph, Handle stream) {
    check("cuGraphLaunch", JCudaDriver.cuGraphLaunch((Graph) graph, (Stream) stream));
  }

  @Override
  public void destroyGraph(Handle graph) {
    check("cuGraphExecDestroy", JCudaDriver.cuGraphExecDestroy((Graph) graph));
  }

  @Override
  public Handle loadModule(String name, byte[] ptx) {
    Module module = new Module();
    JITOptions options = new JITOptions();
    options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[LOG_BYTES]);
    options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
    byte[] image = Arrays.copyOf(ptx, ptx.length + 1);
    int status = JCudaDriver.cuModuleLoadDataJIT(module, Pointer.to(image), options);
    if (status != 0) {
      String log = text(options.getBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER));
      String call = "cuModuleLoadDataEx of %s.ptx %s".formatted(name, log);
      throw new CudaException(call.strip(), status, errorName(status));
    }
    return module;
  }

  @Override
  public void unloadModule(Handle module) {
    check("cuModuleUnload", JCudaDriver.cuModuleUnload((Module) module));
  }

  @Override
  public Handle function(Handle module, String entry) {
    Function function = new Function();
    check(
        "cuModuleGetFunction " + entry,
        JCudaDriver.cuModuleGetFunction(function, (Module) module, entry));
    return function;
  }

  @Override
  public void allowSharedMemory(Handle function, int bytes) {
    check(
        "cuFuncSetAttribute of %,d bytes of shared memory".formatted(bytes),
        JCudaDriver.cuFuncSetAttribute((Function) function, MAX_DYNAMIC_SHARED_SIZE, bytes));
  }

  @Override
  public void launch(Handle function, LaunchSize size, Handle stream, MemorySegment arguments) {
    int status =
        JCudaDriver.cuLaunchKernel(
            (Function) function,
            size.gridX(),
            size.gridY(),
            size.gridZ(),
            size.blockX(),
            size.blockY(),
            1,
            size.sharedBytes(),
            (Stream) stream,
            host(arguments),
            null);
    if (status != 0) {
      throw new CudaException("cuLaunchKernel with " + size, status, errorName(status));
    }
  }
}
