package dev.culebra.examples.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.Terminal.SignalHandler;
import org.jline.terminal.TerminalBuilder;

/** The lines of a conversation: from a terminal, where they can be edited, or from a file. */
sealed interface ChatInput extends AutoCloseable {
  /** Reads standard input. */
  static ChatInput open() throws IOException {
    return Terminal.talks() ? new Edited() : new Plain();
  }

  /** The next line; null at the end. */
  String read() throws IOException;

  /** Runs {@code answer}, which asks its argument whether to stop. */
  void whileAnswering(Consumer<BooleanSupplier> answer);

  @Override
  void close() throws IOException;

  /** A person at a terminal. */
  final class Edited implements ChatInput {
    private static final int COLUMNS = 80;
    private static final int ROWS = 24;

    private final org.jline.terminal.Terminal terminal;
    private final LineReader reader;

    Edited() throws IOException {
      terminal = TerminalBuilder.builder().system(true).provider("ffm").build();
      if (terminal.getHeight() < 1) { // a terminal without a size shows no text
        terminal.setSize(new Size(Math.max(terminal.getWidth(), COLUMNS), ROWS));
      }
      reader =
          LineReaderBuilder.builder()
              .terminal(terminal)
              .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true) // ! is an ordinary character
              .build();
    }

    @Override
    public String read() {
      while (true) {
        try {
          return reader.readLine("> ");
        } catch (UserInterruptException e) {
          // Ctrl-C discards the line
        } catch (EndOfFileException e) {
          return null;
        }
      }
    }

    @Override
    public void whileAnswering(Consumer<BooleanSupplier> answer) {
      AtomicBoolean stopped = new AtomicBoolean();
      SignalHandler before = terminal.handle(Signal.INT, signal -> stopped.set(true));
      try {
        answer.accept(stopped::get);
      } finally {
        terminal.handle(Signal.INT, before);
      }
    }

    @Override
    public void close() throws IOException {
      terminal.close();
    }
  }

  /** A file or a pipe. */
  final class Plain implements ChatInput {
    private final BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    @Override
    public String read() throws IOException {
      return lines.readLine();
    }

    @Override
    public void whileAnswering(Consumer<BooleanSupplier> answer) {
      answer.accept(() -> false);
    }

    @Override
    public void close() {} // standard input is not ours to close
  }
}
