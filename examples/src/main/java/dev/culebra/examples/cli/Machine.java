package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import dev.culebra.cuda.Binding;
import dev.culebra.cuda.CudaReport;
import dev.culebra.cuda.DriverProbe;
import dev.culebra.cuda.GpuReport;
import dev.culebra.train.Devices;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/**
 * The machine that a run uses.
 *
 * @param version Culebra's
 * @param java version and vendor of the JDK
 * @param javaHome its location
 * @param cpu the CPU's model name
 * @param processors number available to the JVM
 * @param vectorBits vector width; 0 without the Vector API
 * @param blas the library for matrix products
 * @param memoryBytes of the machine; 0 if unknown
 * @param freeMemoryBytes memory available to new processes; 0 if unknown
 * @param gpus the GPUs and their driver
 * @param cuda what else is needed to use them
 * @param autoDevice the device that {@code --device auto} chooses
 * @param autoReason why
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record Machine(
    String version,
    String java,
    String javaHome,
    String cpu,
    int processors,
    int vectorBits,
    String blas,
    long memoryBytes,
    long freeMemoryBytes,
    GpuReport gpus,
    CudaReport cuda,
    String autoDevice,
    String autoReason) {

  /** The current state of this machine. */
  static Machine now() {
    int vectorBits = preferredVectorBits();
    GpuReport gpus = DriverProbe.probe();
    Devices.Auto auto = Devices.auto(Binding.AUTO);
    return new Machine(
        Culebra.Version.text(),
        javaVersion(),
        System.getProperty("java.home"),
        cpuModel(),
        Runtime.getRuntime().availableProcessors(),
        vectorBits,
        "none: Culebra's own matrix products"
            + (vectorBits == 0 ? ", plain loops" : " on the Vector API"),
        memory(),
        kilobytes("MemAvailable"),
        gpus,
        CudaReport.now(),
        auto.gpu() ? "cuda:0" : "cpu",
        auto.reason());
  }

  static String javaVersion() {
    return System.getProperty("java.version") + ", " + System.getProperty("java.vendor");
  }

  static String cpuModel() {
    return field(Path.of("/proc/cpuinfo"), "model name", System.getProperty("os.arch"));
  }

  /** Bytes; 0 if unknown. */
  static long memory() {
    return kilobytes("MemTotal");
  }

  static int preferredVectorBits() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() ? Vectors.bits() : 0;
  }

  private static long kilobytes(String name) {
    String value = field(Path.of("/proc/meminfo"), name, "0 kB");
    return Long.parseLong(value.replace(" kB", "")) * 1024;
  }

  /** The value of the first line {@code name : value}. */
  private static String field(Path file, String name, String otherwise) {
    try {
      List<String> lines = Files.readAllLines(file);
      return lines.stream()
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(otherwise);
    } catch (IOException e) {
      return otherwise;
    }
  }

  /** Loaded only if the module is present. */
  private static final class Vectors {
    static int bits() {
      return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
  }
}
