package dev.culebra.examples.cli;

import dev.culebra.data.ChatFormat;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.examples.lecture.LectureCommand;
import dev.culebra.examples.papers.Paper;
import dev.culebra.pretrained.ModelFormat;
import dev.culebra.text.PreTokenizer;
import dev.culebra.train.WeightsChoice;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The command {@code culebra}, with settings shared by all subcommands. */
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
    subcommands = {
      TrainCommand.class,
      SampleCommand.class,
      ChatCommand.class,
      EvalCommand.class,
      ExportCommand.class,
      ReportCommand.class,
      RunsCommand.class,
      DataCommand.class,
      TokenizerCommand.class,
      LectureCommand.class,
      PapersCommand.class,
      InfoCommand.class,
      CompletionCommand.class,
      HelpCommand.class
    })
final class Culebra implements Runnable {
  private static final int HELP_WIDTH = 100;

  @Mixin private CommonOptions common;

  @Option(names = "--version", versionHelp = true, description = "Show the version.")
  private boolean version;

  /** Runs one command; the result is the process's exit code. */
  static int run(String... args) {
    Locale.setDefault(Locale.ENGLISH); // the same number format everywhere: 1,234.5
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
    return configure(new CommandLine(new Culebra()));
  }

  /** Configures value parsing and help for a command and its subcommands. */
  static CommandLine configure(CommandLine commandLine) {
    return commandLine
        .registerConverter(Integer.class, converter(Integer::valueOf, "a whole number"))
        .registerConverter(Long.class, converter(Long::valueOf, "a whole number"))
        .registerConverter(Float.class, converter(Float::valueOf, "a number"))
        .registerConverter(
            TokenizerChoice.class,
            converter(
                text ->
                    TrainFlags.TOKENIZERS.parse(text).orElseThrow(IllegalArgumentException::new),
                TrainFlags.TOKENIZERS.expected()))
        .registerConverter(PreTokenizer.class, oneOf(PreTokenizer.values()))
        .registerConverter(ModelFormat.class, oneOf(ModelFormat.values()))
        .registerConverter(ExportCommand.Type.class, oneOf(ExportCommand.Type.values()))
        .registerConverter(WeightsChoice.class, oneOf(WeightsChoice.values()))
        .registerConverter(ChatFormat.class, oneOf(ChatFormat.values()))
        .registerConverter(Paper.class, oneOf(Paper.values()))
        .registerConverter(TrainCommand.Start.class, oneOf(TrainCommand.Start.values()))
        .setExpandAtFiles(false) // we read --prompt @FILE ourselves
        .setUsageHelpWidth(HELP_WIDTH)
        .setColorScheme(
            CommandLine.Help.defaultColorScheme(Terminal.colour() ? Ansi.ON : Ansi.OFF));
  }

  private static <T> ITypeConverter<T> converter(Function<String, T> parser, String expected) {
    return text -> {
      try {
        return parser.apply(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException("'%s' is not %s".formatted(text, expected));
      }
    };
  }

  /** Parses an enum constant, written as its {@code toString} in lower case. */
  private static <E extends Enum<E>> ITypeConverter<E> oneOf(E[] constants) {
    String names =
        Arrays.stream(constants)
            .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
    return converter(
        text ->
            Arrays.stream(constants)
                .filter(constant -> constant.toString().equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(IllegalArgumentException::new),
        "one of " + names);
  }

  /** Without a command: prints the help. */
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
