package dev.culebra.examples.cli;

import dev.culebra.train.DeviceChoice;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where a trained model computes. */
final class DeviceFlags {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "auto, cpu, cuda or cuda:N (see: culebra info). Default: ${DEFAULT-VALUE}")
  private DeviceChoice device;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of the CPU; 0: one a processor. Default: ${DEFAULT-VALUE}")
  private Integer threads;

  DeviceChoice choice() {
    return device;
  }

  int threads() {
    if (threads < 0) {
      throw new ParameterException(
          spec.commandLine(), "--threads must be at least 0, not " + threads);
    }
    return threads;
  }
}
