package dev.culebra.examples.lecture;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code culebra lecture}. */
@Command(
    name = "lecture",
    header = "The programs of the lecture, step by step.",
    description = "Each is a short file in examples/src/main/java/dev/culebra/examples/lecture.",
    commandListHeading = "%nPrograms, in the order of the lecture:%n",
    synopsisSubcommandLabel = "NAME",
    footer = {"", "Example: culebra lecture bigram"},
    subcommands = {
      BigramBaseline.class,
      AveragingWithLoops.class,
      AveragingWithAProduct.class,
      AveragingWithSoftmax.class,
      SelfAttention.class,
      EncoderVersusDecoder.class,
      TinyGpt.class
    })
public final class LectureCommand implements Runnable {
  @Mixin private CommonFlags common;

  @Spec private CommandSpec spec;

  /** Without a name: prints the list. */
  @Override
  public void run() {
    spec.commandLine().usage(System.out);
  }
}
