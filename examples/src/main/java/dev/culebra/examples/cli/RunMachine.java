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
 * What a run is trained on, as its report tells it: of a {@link Machine} what stays so and matters,
 * found without loading libraries that the run does not use.
 *
 * @param device what computes
 * @param version Culebra's
 * @param java version and vendor of the JDK
 * @param cpu the processor's model
 * @param processors that the JVM may use
 * @param vectorBits width of a vector; 0 without the Vector API
 * @param memoryBytes of the machine; 0 if unknown
 * @param gpus and their driver; null where none computes
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

  /** This one, now. */
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
   * @throws IOException if it cannot be written; one line
   */
  void write(Path file) throws IOException {
    JsonMapper json = JsonMapper.builder().build();
    AtomicFile.write(file, json.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n");
  }
}
