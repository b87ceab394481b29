package dev.culebra.examples.cli;

import dev.culebra.backend.SamplingSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options for drawing tokens. */
final class SamplingFlags {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      defaultValue = "0.8",
      description =
          "Below 1 careful, above 1 daring, 0 always the likeliest. Default: ${DEFAULT-VALUE}")
  private Float temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "Only the K likeliest tokens; 0: all. Default: ${DEFAULT-VALUE}")
  private Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "Only the likeliest tokens that make up P. Default: ${DEFAULT-VALUE}")
  private Float topP;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the random draws. Default: a different one each time")
  private Long seed;

  /**
   * The settings given.
   *
   * @throws ParameterException if a value is impossible
   */
  SamplingSpec spec() {
    try {
      return new SamplingSpec(temperature, topK, topP);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage());
    }
  }

  /** The seed given, or a different one each time. */
  long seed() {
    return seed == null ? System.nanoTime() : seed;
  }
}
