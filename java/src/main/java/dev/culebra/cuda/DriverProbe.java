package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Asks the NVIDIA driver which GPUs there are. Makes no context, so that it takes none of their
 * memory, and never fails: a machine without a driver is an answer.
 */
public final class DriverProbe {
  private static final String LIBRARY = "libcuda.so.1";
  private static final Path KERNEL_MODULE = Path.of("/proc/driver/nvidia/version");
  private static final Pattern KERNEL_MODULE_VERSION =
      Pattern.compile("Kernel Module.*?\\s(\\d+(?:\\.\\d+)+)\\s");

  /** CUresult of a call that worked. */
  private static final int CUDA_SUCCESS = 0;

  /** CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of CUdevice_attribute. */
  private static final int CAPABILITY_MAJOR = 75;

  private static final int CAPABILITY_MINOR = 76;
  private static final int NAME_BYTES = 256;

  private final SymbolLookup library;
  private final Arena arena;

  private DriverProbe(SymbolLookup library, Arena arena) {
    this.library = library;
    this.arena = arena;
  }

  /** What is there now. */
  public static GpuReport probe() {
    return probe(LIBRARY, KERNEL_MODULE);
  }

  static GpuReport probe(String libraryName, Path kernelModule) {
    String driver = kernelModuleVersion(kernelModule);
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup library;
      try {
        // For good: a driver that was started does not survive being unloaded.
        library = SymbolLookup.libraryLookup(libraryName, Arena.global());
      } catch (IllegalArgumentException e) {
        return none(driver, null, "no NVIDIA driver: " + libraryName + " cannot be loaded");
      }
      return new DriverProbe(library, arena).ask(driver);
    }
  }

  private GpuReport ask(String driver) {
    String cudaVersion = null;
    try {
      int version = readInt("cuDriverGetVersion");
      cudaVersion = version / 1000 + "." + version % 1000 / 10;
      check("cuInit", (int) handle("cuInit", JAVA_INT).invokeExact(0));
      int count = readInt("cuDeviceGetCount");
      List<GpuReport.Gpu> gpus = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        gpus.add(gpu(i));
      }
      return count == 0
          ? none(driver, cudaVersion, "the driver shows no GPU")
          : new GpuReport(driver, cudaVersion, gpus, null);
    } catch (DriverCallException e) {
      return none(driver, cudaVersion, e.getMessage());
    } catch (Throwable e) {
      return none(driver, cudaVersion, "the driver cannot be asked: " + e);
    }
  }

  private GpuReport.Gpu gpu(int ordinal) throws Throwable {
    MemorySegment handle = arena.allocate(JAVA_INT);
    check(
        "cuDeviceGet", (int) handle("cuDeviceGet", ADDRESS, JAVA_INT).invokeExact(handle, ordinal));
    int device = handle.get(JAVA_INT, 0);
    MemorySegment name = arena.allocate(NAME_BYTES);
    check(
        "cuDeviceGetName",
        (int)
            handle("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT)
                .invokeExact(name, NAME_BYTES, device));
    MemorySegment bytes = arena.allocate(JAVA_LONG);
    check(
        "cuDeviceTotalMem",
        (int) handle("cuDeviceTotalMem_v2", ADDRESS, JAVA_INT).invokeExact(bytes, device));
    String capability =
        attribute(device, CAPABILITY_MAJOR) + "." + attribute(device, CAPABILITY_MINOR);
    return new GpuReport.Gpu(name.getString(0), capability, bytes.get(JAVA_LONG, 0));
  }

  private int attribute(int device, int attribute) throws Throwable {
    MemorySegment value = arena.allocate(JAVA_INT);
    check(
        "cuDeviceGetAttribute",
        (int)
            handle("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT)
                .invokeExact(value, attribute, device));
    return value.get(JAVA_INT, 0);
  }

  /** Calls a function whose only argument is the int it writes. */
  private int readInt(String function) throws Throwable {
    MemorySegment value = arena.allocate(JAVA_INT);
    check(function, (int) handle(function, ADDRESS).invokeExact(value));
    return value.get(JAVA_INT, 0);
  }

  private MethodHandle handle(String function, MemoryLayout... arguments) {
    MemorySegment address =
        library
            .find(function)
            .orElseThrow(() -> new DriverCallException("the driver has no " + function));
    return Linker.nativeLinker()
        .downcallHandle(address, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  private static void check(String function, int result) {
    if (result != CUDA_SUCCESS) {
      throw new DriverCallException(
          "%s fails with error %d%s".formatted(function, result, CuInitErrors.meaning(result)));
    }
  }

  private static GpuReport none(String driver, String cudaVersion, String problem) {
    return new GpuReport(driver, cudaVersion, List.of(), problem);
  }

  private static String kernelModuleVersion(Path file) {
    try {
      Matcher version = KERNEL_MODULE_VERSION.matcher(Files.readString(file));
      return version.find() ? version.group(1) : null;
    } catch (IOException e) {
      return null;
    }
  }

  /** A driver call that did not work; {@link #probe} turns it into a report. */
  private static final class DriverCallException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DriverCallException(String message) {
      super(message);
    }
  }
}
