package dev.culebra.examples.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code culebra completion}. */
@Command(
    name = "completion",
    header = "Print a completion script for bash and zsh.",
    footer = {"", "Example: source <(./culebra completion)"})
final class CompletionCommand implements Runnable {
  @Mixin private CommonOptions common;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    System.out.print(AutoComplete.bash("culebra", spec.root().commandLine()));
  }
}
