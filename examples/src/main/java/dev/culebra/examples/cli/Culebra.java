package dev.culebra.examples.cli;

import dev.culebra.train.DeviceChoice;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The command {@code culebra}: what all its subcommands share. */
@Command(
    name = "culebra",
    versionProvider = Culebra.Version.class,
    header = "Trains GPT models on your own text, and samples from them.",
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "A first run, on a novel that comes with it: culebra train",
      "More about a command: culebra help COMMAND"
    },
    subcommands = {InfoCommand.class, CompletionCommand.class, CommandLine.HelpCommand.class})
final class Culebra implements Runnable {
  private static final int HELP_WIDTH = 100;

  @Mixin private CommonOptions common;

  @Option(names = "--version", versionHelp = true, description = "Show the version.")
  private boolean version;

  /** Runs one command; the result is the process's exit code. */
  static int run(String... args) {
    Errors errors = new Errors(Errors.wantsStackTraces(args));
    try {
      return commandLine()
          .setParameterExceptionHandler((e, unparsed) -> errors.report(e))
          .setExecutionExceptionHandler((e, command, parsed) -> errors.report(e))
          .execute(args);
    } catch (Error e) {
      return errors.report(e);
    }
  }

  static CommandLine commandLine() {
    CommandLine commandLine = new CommandLine(new Culebra());
    commandLine
        .registerConverter(Integer.class, converter(Integer::valueOf, "a whole number"))
        .registerConverter(Long.class, converter(Long::valueOf, "a whole number"))
        .registerConverter(Float.class, converter(Float::valueOf, "a number"))
        .registerConverter(DeviceChoice.class, DeviceChoice::parse)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpWidth(HELP_WIDTH)
        .setColorScheme(
            CommandLine.Help.defaultColorScheme(Terminal.colour() ? Ansi.ON : Ansi.OFF));
    return commandLine;
  }

  private static <T> CommandLine.ITypeConverter<T> converter(
      Function<String, T> parser, String expected) {
    return text -> {
      try {
        return parser.apply(text);
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'%s' is not %s".formatted(text, expected));
      }
    };
  }

  /** Without a command: the help. */
  @Override
  public void run() {
    commandLine().usage(System.out);
  }

  /** The version of the jar. */
  static final class Version implements IVersionProvider {
    static String text() {
      String version = Culebra.class.getPackage().getImplementationVersion();
      return version == null ? "(not packaged)" : version;
    }

    @Override
    public String[] getVersion() {
      return new String[] {"culebra " + text()};
    }
  }
}
