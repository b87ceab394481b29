package dev.culebra.examples.cli;

import dev.culebra.checkpoint.RunExistsException;
import dev.culebra.cuda.CudaException;
import dev.culebra.io.FileErrors;
import dev.culebra.options.Worded;
import dev.culebra.train.DataChangedException;
import dev.culebra.train.RunChangedException;
import dev.culebra.train.TrainingStoppedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.MaxValuesExceededException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The one place where an exception becomes the line on standard error and the exit code: 2 for an
 * invalid command line, 1 for everything else.
 */
final class Errors {
  static final int FAILED = 1;
  static final int USAGE = 2;

  private final boolean stackTraces;

  Errors(boolean stackTraces) {
    this.stackTraces = stackTraces;
  }

  /** Whether the command line or the environment requests stack traces. */
  static boolean wantsStackTraces(String... args) {
    String debug = System.getenv("CULEBRA_DEBUG");
    return List.of(args).contains(CommonOptions.STACKTRACE)
        || (debug != null && !debug.isEmpty() && !debug.equals("0"));
  }

  /** Prints the line for an exception thrown by a command; returns the exit code. */
  int report(Throwable error) {
    boolean usage = error instanceof ParameterException;
    System.err.println(line(error));
    if (stackTraces) {
      error.printStackTrace(System.err);
    }
    return usage ? USAGE : FAILED;
  }

  /** The line of an exception. */
  static String line(Throwable error) {
    return "culebra: " + describe(error).strip().replaceAll("\\R\\s*", " ");
  }

  private static String usageLine(ParameterException error) {
    String line =
        error instanceof MaxValuesExceededException
            ? "an option was given more than once"
            : error.getMessage();
    if (error instanceof UnmatchedArgumentException e) {
      line = unknown(e.getUnmatched().getFirst(), error.getCommandLine());
      List<String> similar = e.getSuggestions();
      if (!similar.isEmpty()) {
        return line + "; did you mean " + String.join(" or ", similar) + "?";
      }
    }
    return "%s (see: %s --help)"
        .formatted(lowerFirst(line), error.getCommandLine().getCommandSpec().qualifiedName());
  }

  private static String unknown(String argument, CommandLine command) {
    if (argument.startsWith("-")) {
      return "unknown option '" + argument + "'";
    }
    return command.getSubcommands().isEmpty()
        ? "unexpected argument '" + argument + "'"
        : "unknown command '" + argument + "'";
  }

  /** The error without the program's name. */
  static String describe(Throwable error) {
    return switch (error) {
      case ParameterException e -> usageLine(e);
      case CommandException e -> e.getMessage();
      case CudaException e -> "the GPU failed: " + e.getMessage();
      case TrainingStoppedException e -> Flags.message(e) + ", " + how(e.kept());
      case RunChangedException e -> Flags.message(e) + "; --accept-changes continues anyway";
      case DataChangedException e -> Flags.message(e) + "; --data-changed continues anyway";
      case RunExistsException e ->
          Flags.message(e) + ": continue it with --resume, or choose another --out";
      case Worded e -> e.wording().in(Flags.NAMING);
      case InvalidPathException e -> "not a path: " + e.getMessage();
      case UncheckedIOException e -> describe(e.getCause());
      case FileSystemException e when e.getReason() != null -> e.getMessage();
      case IOException e -> FileErrors.reason(e);
      case OutOfMemoryError e ->
          "not enough memory (%s): try a smaller --batch, --context or model"
              .formatted(e.getMessage());
      default ->
          "internal error: %s (please report it with the output of the same command and"
                  .formatted(error)
              + " --stacktrace)";
    };
  }

  private static String how(TrainingStoppedException.Kept kept) {
    return switch (kept) {
      case NOTHING -> "in a new run";
      case LAST -> "with --resume";
      case BEST -> "with --resume --from best";
    };
  }

  private static String lowerFirst(String line) {
    return line.substring(0, 1).toLowerCase(Locale.ROOT) + line.substring(1);
  }
}
