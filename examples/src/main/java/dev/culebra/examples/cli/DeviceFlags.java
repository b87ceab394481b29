package dev.culebra.examples.cli;

import dev.culebra.cuda.Binding;
import dev.culebra.train.DeviceChoice;
import dev.culebra.train.DeviceConfig;
import dev.culebra.train.DtypeChoice;
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

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "auto",
      description = "bf16, fp32 or auto: bf16 on a GPU, fp32 on the CPU. Default: ${DEFAULT-VALUE}")
  private DtypeChoice dtype;

  @Option(
      names = "--binding",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "How to call CUDA: auto, ffm or jcuda. Default: ${DEFAULT-VALUE}")
  private Binding binding;

  DeviceConfig config() {
    try {
      return new DeviceConfig(device, threads, dtype, false, binding);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
  }
}
