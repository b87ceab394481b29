package dev.culebra.examples.cli;

import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.train.DeviceChoice;
import dev.culebra.train.DeviceConfig;
import dev.culebra.train.ModelFiles;
import dev.culebra.train.TrainedModel;
import dev.culebra.train.WeightsChoice;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * How commands that read with a trained model compute: flags that are added to a command as the
 * mixin {@link #spec}.
 */
final class DeviceFlags {
  private static final List<Option<DeviceConfig, ?>> OPTIONS =
      List.of(DeviceConfig.DEVICE, DeviceConfig.THREADS, DeviceConfig.DTYPE, DeviceConfig.BINDING);

  private final Flags flags = new Flags();
  private final OptionSpec weights =
      OptionSpec.builder("--weights")
          .type(WeightsChoice.class)
          .paramLabel("TYPE")
          .defaultValue("fp32")
          .completionCandidates(List.of("fp32", "bf16", "int8"))
          .description(
              "fp32, bf16 or int8: how matrices are kept in memory. bf16 and int8 write several"
                  + " times faster on a CPU, and change the model a little. Default:"
                  + " ${DEFAULT-VALUE}")
          .build();

  /** The flags, for {@code picocli.CommandLine.Mixin}. */
  CommandSpec spec() {
    CommandSpec spec = CommandSpec.create();
    OPTIONS.forEach(option -> spec.addOption(flags.withFallback(option)));
    spec.addOption(weights);
    return spec;
  }

  /**
   * Reads a model.
   *
   * @param command the command with these flags
   * @throws ParameterException if a value is invalid
   */
  TrainedModel open(ModelFiles files, CommandSpec command) throws IOException {
    DeviceConfig device = config(command);
    WeightsChoice kept = weights.getValue();
    if (kept != WeightsChoice.FP32 && device.device().kind() == DeviceChoice.Kind.CUDA) {
      throw new ParameterException(
          command.commandLine(),
          "--weights %s is for the CPU: leave it out, or use --device cpu"
              .formatted(kept.name().toLowerCase(Locale.ROOT)));
    }
    return TrainedModel.open(files, device, kept);
  }

  private DeviceConfig config(CommandSpec command) {
    try {
      return DeviceConfig.of(flags.given());
    } catch (OptionException e) {
      throw new ParameterException(command.commandLine(), Flags.message(e));
    }
  }
}
