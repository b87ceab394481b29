package dev.culebra.examples.cli;

import dev.culebra.backend.OutOfDeviceMemoryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The one place where an exception becomes the line on standard error and the exit code: 2 for a
 * command line that cannot be meant, 1 for everything else.
 */
final class Errors {
  static final int FAILED = 1;
  static final int USAGE = 2;

  private final boolean stackTraces;

  Errors(boolean stackTraces) {
    this.stackTraces = stackTraces;
  }

  /** Whether this command line or the environment asks for stack traces. */
  static boolean wantsStackTraces(String... args) {
    String debug = System.getenv("CULEBRA_DEBUG");
    return List.of(args).contains(CommonOptions.STACKTRACE)
        || (debug != null && !debug.isEmpty() && !debug.equals("0"));
  }

  /** Prints the line of what a command threw; the result is the exit code. */
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
    String line = error.getMessage();
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

  private static String describe(Throwable error) {
    return switch (error) {
      case ParameterException e -> usageLine(e);
      case CommandException e -> e.getMessage();
      case OutOfDeviceMemoryException e -> e.getMessage();
      case UncheckedIOException e -> describe(e.getCause());
      case FileSystemException e -> fileLine(e);
      case IOException e -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      case OutOfMemoryError e ->
          "not enough memory (%s): try a smaller --batch, --context or model"
              .formatted(e.getMessage());
      default ->
          "internal error: %s (please report it with the output of the same command and"
                  .formatted(error)
              + " --stacktrace)";
    };
  }

  private static String fileLine(FileSystemException error) {
    String file = error.getFile();
    return switch (error) {
      case NoSuchFileException e -> "no such file: " + file;
      case AccessDeniedException e -> "no permission for " + file;
      case FileAlreadyExistsException e -> "exists already: " + file;
      case NotDirectoryException e -> "not a directory: " + file;
      case DirectoryNotEmptyException e -> "directory not empty: " + file;
      default -> error.getMessage();
    };
  }

  private static String lowerFirst(String line) {
    return line.substring(0, 1).toLowerCase(Locale.ROOT) + line.substring(1);
  }
}
