package dev.culebra.checkpoint;

import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A file with one JSON object per line, each for a step, flushed immediately. A process killed
 * during a write leaves an incomplete last line; resuming drops it and all lines after the
 * checkpoint. Not thread-safe.
 */
abstract class LineLog<T> implements AutoCloseable {
  /** Converts entries to lines and back. */
  interface Format<T> {
    /** What the lines are, for messages. */
    String noun();

    /** The line without a line break. */
    String write(T entry);

    /** Parses a line; empty if it is not a complete line of this kind. */
    Optional<T> read(String line);

    /** The step of an entry. */
    int step(T entry);
  }

  private final Path file;
  private final Format<T> format;
  private final Writer writer;
  private T last;

  /**
   * Continues the log of a run at {@code step}; drops lines of later steps and damaged lines.
   *
   * @param damaged receives one line for each damaged line
   * @throws IOException with one line that names the file
   */
  LineLog(Path file, int step, Format<T> format, Consumer<String> damaged) throws IOException {
    this.file = file;
    this.format = format;
    if (Files.exists(file)) {
      List<T> kept =
          read(file, format, damaged).stream().filter(entry -> format.step(entry) <= step).toList();
      AtomicFile.write(file, kept.stream().map(this::line).collect(Collectors.joining()));
      last = kept.isEmpty() ? null : kept.getLast();
    }
    try {
      writer =
          Files.newBufferedWriter(
              file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  /**
   * Reads all complete lines; skips damaged lines and a last line truncated by a crash.
   *
   * @param damaged receives one line, with the number, for each damaged line before the last
   * @throws IOException if the file cannot be read
   */
  static <T> List<T> read(Path file, Format<T> format, Consumer<String> damaged)
      throws IOException {
    List<String> lines;
    try {
      // Not strict: bytes that are not UTF-8 make a line damaged like any other.
      lines = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
    List<T> entries = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      Optional<T> parsed = format.read(lines.get(i));
      parsed.ifPresent(entries::add);
      if (parsed.isEmpty() && i < lines.size() - 1) {
        damaged.accept(
            "%s is damaged: line %d is not a line of %s, so it is skipped"
                .formatted(file, i + 1, format.noun()));
      }
    }
    return entries;
  }

  /**
   * Appends a line.
   *
   * @throws IOException with one line that names the file
   */
  public void append(T entry) throws IOException {
    try {
      writer.write(line(entry));
      writer.flush();
      last = entry;
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  /** The step of the last line; 0 if there is none. */
  public int lastStep() {
    return last == null ? 0 : format.step(last);
  }

  /** The entry of the last line; null if there is none. */
  public T last() {
    return last;
  }

  private String line(T entry) {
    return format.write(entry) + "\n";
  }

  private IOException cannotWrite(IOException cause) {
    return new IOException("cannot write " + file + ": " + FileErrors.reason(cause), cause);
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}
