package dev.culebra.examples.cli;

import dev.culebra.data.Holdout;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.train.DataConfig;
import java.util.Arrays;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Which part of some data is for validation. A command has these flags as the mixin {@link #spec}.
 */
final class HoldoutFlags {
  private final Flags flags = new Flags();

  /** The flags, for {@code picocli.CommandLine.Mixin}. */
  @SafeVarargs
  final CommandSpec spec(Option<DataConfig, ?>... options) {
    CommandSpec spec = CommandSpec.create();
    Arrays.stream(options).forEach(option -> spec.addOption(flags.withFallback(option)));
    return spec;
  }

  /**
   * The given values.
   *
   * @param command that has these flags
   * @throws ParameterException if a value is impossible
   */
  Holdout holdout(CommandSpec command) {
    Options given = flags.given();
    try {
      DataConfig.VAL_FRACTION.require(given.value(DataConfig.VAL_FRACTION));
      return new Holdout(
          given.value(DataConfig.VAL_SPLIT),
          given.value(DataConfig.VAL_FRACTION),
          given.value(DataConfig.VAL_DATA));
    } catch (OptionException e) {
      throw new ParameterException(command.commandLine(), Flags.message(e));
    }
  }
}
