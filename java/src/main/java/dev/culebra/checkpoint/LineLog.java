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
 * A file of one JSON object a line, each of a step, written through at once. A process killed while
 * it writes leaves half a line at the end; resuming drops that and what came after the checkpoint.
 * Not thread-safe.
 */
abstract class LineLog<T> implements AutoCloseable {
  /** How an entry is a line. */
  interface Format<T> {
    /** What a line is one of, for a message. */
    String noun();

    /** Without a line break. */
    String write(T entry);

    /** What a line says; empty where it is not a whole line of this kind. */
    Optional<T> read(String line);

    /** The step that an entry belongs to. */
    int step(T entry);
  }

  private final Path file;
  private final Format<T> format;
  private final Writer writer;
  private T last;

  /**
   * Continues the log of a run that stands at {@code step}: lines of later steps are dropped, and
   * damaged ones.
   *
   * @param damaged hears of each of these, in one line
   * @throws IOException one line that names the file
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
   * All whole lines; a last one that was cut off by a crash is left out, as are damaged ones.
   *
   * @param damaged hears of each line before the last that is not one of this kind, with its number
   * @throws IOException if the file cannot be read
   */
  static <T> List<T> read(Path file, Format<T> format, Consumer<String> damaged)
      throws IOException {
    List<String> lines;
    try {
      // Not strict: bytes that are no UTF-8 are a damaged line like any other.
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
            "%s is damaged: line %d is not a line of %s and is left out"
                .formatted(file, i + 1, format.noun()));
      }
    }
    return entries;
  }

  /**
   * Appends a line.
   *
   * @throws IOException one line that names the file
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

  /** The step of the last line; 0 where there is none. */
  public int lastStep() {
    return last == null ? 0 : format.step(last);
  }

  /** What the last line says; null where there is none. */
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
