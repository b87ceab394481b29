package dev.culebra.examples.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.backend.Backend;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.cuda.DriverProbe;
import dev.culebra.cuda.GpuReport;
import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The machine of a run for its report: the relevant and constant facts of a {@link Machine}, found
 * without loading libraries that the run does not use.
 *
 * @param device the compute device
 * @param version Culebra's
 * @param java version and vendor of the JDK
 * @param cpu the CPU's model name
 * @param processors number available to the JVM
 * @param vectorBits vector width; 0 without the Vector API
 * @param memoryBytes of the machine; 0 if unknown
 * @param gpus the GPUs and their driver; null if none is used
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonInclude(JsonInclude.Include.NON_NULL)
record RunMachine(
    String device,
    String version,
    String java,
    String cpu,
    int processors,
    int vectorBits,
    long memoryBytes,
    GpuReport gpus) {

  /** The current state of this machine. */
  static RunMachine of(Backend backend) {
    return new RunMachine(
        backend.name(),
        Culebra.Version.text(),
        Machine.javaVersion(),
        Machine.cpuModel(),
        Runtime.getRuntime().availableProcessors(),
        Machine.preferredVectorBits(),
        Machine.memory(),
        backend instanceof CudaBackend ? DriverProbe.probe() : null);
  }

  /**
   * Writes it as JSON.
   *
   * @throws IOException with one line, if it cannot be written
   */
  void write(Path file) throws IOException {
    JsonMapper json = JsonMapper.builder().build();
    AtomicFile.write(file, json.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n");
  }
}
