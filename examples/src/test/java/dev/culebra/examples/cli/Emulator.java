package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * {@code culebra} in a terminal emulator, {@code tmux}, whose window can be resized and read: what
 * a user sees, which the bytes that were written do not tell.
 */
final class Emulator implements AutoCloseable {
  private static final int ROWS = 24;
  private static final int PATIENCE_SECONDS = 60;
  private static final int POLL_MILLIS = 100;

  private final Path socket;

  private Emulator(Path socket) {
    this.socket = socket;
  }

  /** Starts it in {@code directory} in a window with this many columns; skips without tmux. */
  static Emulator start(Path directory, int columns, String... args) throws Exception {
    Emulator emulator = new Emulator(directory.resolve("tmux"));
    try {
      emulator.tmux("-V");
    } catch (IOException e) {
      assumeTrue(false, "no tmux here");
    }
    String command =
        Program.commandLine(args).stream()
            .map(word -> "'" + word.replace("'", "'\\''") + "'")
            .collect(Collectors.joining(" "));
    emulator.tmux(
        "new-session",
        "-d",
        "-x",
        Integer.toString(columns),
        "-y",
        Integer.toString(ROWS),
        "-c",
        directory.toString(),
        command);
    return emulator;
  }

  /** Makes the window wider or narrower. */
  void resize(int columns) throws Exception {
    tmux("resize-window", "-x", Integer.toString(columns));
  }

  /** The lines in the window, once they are as expected, or else those of the last attempt. */
  List<String> await(Predicate<List<String>> expected) throws Exception {
    List<String> shown = List.of();
    for (int left = PATIENCE_SECONDS * 1000 / POLL_MILLIS; left > 0; left--) {
      shown = Arrays.stream(tmux("capture-pane", "-p").split("\n")).toList();
      if (expected.test(shown)) {
        return shown;
      }
      Thread.sleep(POLL_MILLIS);
    }
    return shown;
  }

  private String tmux(String... args) throws IOException, InterruptedException {
    Process process = start(args);
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("tmux %s: %s", String.join(" ", args), out).isZero();
    return out;
  }

  private Process start(String... args) throws IOException {
    List<String> command = new ArrayList<>(List.of("tmux", "-u", "-f", "/dev/null", "-S"));
    command.add(socket.toString());
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** Presses Ctrl-C and waits for the program's end, which closes the window. */
  @Override
  public void close() throws IOException, InterruptedException {
    start("send-keys", "C-c").waitFor();
    for (int left = PATIENCE_SECONDS * 1000 / POLL_MILLIS; left > 0; left--) {
      if (start("has-session").waitFor() != 0) {
        return;
      }
      Thread.sleep(POLL_MILLIS);
    }
    start("kill-server").waitFor();
  }
}
