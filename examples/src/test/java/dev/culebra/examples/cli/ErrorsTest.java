package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.data.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ErrorsTest {
  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(new CommandException("no run in a"), "no run in a"),
        Arguments.of(new CommandException("first\n  second\r\n"), "first second"),
        Arguments.of(new DataException("a is empty"), "a is empty"),
        Arguments.of(
            new InvalidPathException("a", "Nul character"), "not a path: Nul character: a"),
        Arguments.of(new OutOfDeviceMemoryException("not enough"), "not enough"),
        Arguments.of(new IOException("no space left"), "no space left"),
        Arguments.of(new IOException(), "IOException"),
        Arguments.of(
            new UncheckedIOException(new NoSuchFileException("a")), "no such file or directory: a"),
        Arguments.of(new AccessDeniedException("a"), "permission denied: a"),
        Arguments.of(new FileSystemException("a", null, "Is a directory"), "a: Is a directory"),
        Arguments.of(
            new OutOfMemoryError("Java heap space"),
            "not enough memory (Java heap space): try a smaller --batch, --context or model"),
        Arguments.of(
            new NullPointerException("x"),
            "internal error: java.lang.NullPointerException: x (please report it with the output"
                + " of the same command and --stacktrace)"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void everyFailureIsOneLine(Throwable failure, String line) {
    assertThat(Errors.line(failure)).isEqualTo("culebra: " + line);
  }
}
