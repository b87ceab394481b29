package dev.culebra.examples.cli;

import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.train.DeviceConfig;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * The device flags of commands that use a trained model, added to a command as the mixin {@link
 * #spec}.
 */
final class DeviceFlags {
  private static final List<Option<DeviceConfig, ?>> OPTIONS =
      List.of(DeviceConfig.DEVICE, DeviceConfig.THREADS, DeviceConfig.DTYPE, DeviceConfig.BINDING);

  private final Flags flags = new Flags();

  /** The flags, for {@code picocli.CommandLine.Mixin}. */
  CommandSpec spec() {
    CommandSpec spec = CommandSpec.create();
    OPTIONS.forEach(option -> spec.addOption(flags.withFallback(option)));
    return spec;
  }

  /**
   * The given values.
   *
   * @param command the command with these flags
   * @throws ParameterException if a value is invalid
   */
  DeviceConfig config(CommandSpec command) {
    try {
      return DeviceConfig.of(flags.given());
    } catch (OptionException e) {
      throw new ParameterException(command.commandLine(), Flags.message(e));
    }
  }
}
