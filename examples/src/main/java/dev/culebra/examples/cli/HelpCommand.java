package dev.culebra.examples.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code culebra help}: unlike picocli's own, it also accepts a subcommand's subcommand. */
@Command(
    name = "help",
    header = "Show the help of a command.",
    helpCommand = true,
    footer = {"", "Example: culebra help train", "         culebra help data prepare"})
final class HelpCommand implements Runnable {
  @Spec private CommandSpec spec;
  @Mixin private CommonOptions common;

  @Parameters(
      arity = "0..*",
      paramLabel = "COMMAND",
      description = "A command, or a command and its subcommand. Default: the help of culebra")
  private List<String> names = new ArrayList<>();

  @Override
  public void run() {
    CommandLine command = spec.commandLine().getParent();
    for (String name : names) {
      CommandLine next = command.getSubcommands().get(name);
      if (next == null) {
        throw new UnmatchedArgumentException(command, List.of(name));
      }
      command = next;
    }
    command.usage(System.out);
  }
}
