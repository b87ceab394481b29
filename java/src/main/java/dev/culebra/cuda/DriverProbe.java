package dev.culebra.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Asks the NVIDIA driver for the GPUs. Creates no context, so it takes none of their memory, and
 * never fails: a machine without a driver is a valid answer. Looks for the driver in the same
 * places as {@link Cuda#open}.
 */
public final class DriverProbe {
  private static final Path KERNEL_MODULE = Path.of("/proc/driver/nvidia/version");
  private static final Pattern KERNEL_MODULE_VERSION =
      Pattern.compile("Kernel Module.*?\\s(\\d+(?:\\.\\d+)+)\\s");

  private DriverProbe() {}

  /** The current state of this machine. */
  public static GpuReport probe() {
    return probe(CudaLibraries::loadDriver, KERNEL_MODULE);
  }

  /**
   * @param library loads the driver
   * @param kernelModule the file with the version of NVIDIA's kernel module
   */
  static GpuReport probe(Supplier<NativeLibrary> library, Path kernelModule) {
    String module = kernelModuleVersion(kernelModule);
    try {
      CudaDriver driver = new DriverThroughFfm(library.get());
      List<GpuReport.Gpu> gpus =
          IntStream.range(0, driver.deviceCount()).mapToObj(i -> gpu(driver, i)).toList();
      int version = driver.version();
      return new GpuReport(
          module,
          version / 1000 + "." + version % 1000 / 10,
          gpus,
          gpus.isEmpty() ? "the driver shows no GPU" : null);
    } catch (CudaUnavailableException e) {
      return new GpuReport(module, null, List.of(), e.problem());
    } catch (CudaException e) {
      return new GpuReport(module, null, List.of(), e.getMessage());
    }
  }

  private static GpuReport.Gpu gpu(CudaDriver driver, int device) {
    String capability =
        "%d.%d"
            .formatted(
                driver.attribute(DeviceAttribute.CAPABILITY_MAJOR, device),
                driver.attribute(DeviceAttribute.CAPABILITY_MINOR, device));
    return new GpuReport.Gpu(driver.deviceName(device), capability, driver.deviceMemory(device));
  }

  private static String kernelModuleVersion(Path file) {
    try {
      Matcher version = KERNEL_MODULE_VERSION.matcher(Files.readString(file));
      return version.find() ? version.group(1) : null;
    } catch (IOException e) {
      return null;
    }
  }
}
