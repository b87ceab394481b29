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
import java.util.stream.Collectors;

/**
 * {@code metrics.jsonl}: one JSON object a logged step, written through at once. A process killed
 * while it writes leaves half a line at the end; resuming drops that and what came after the
 * checkpoint. Not thread-safe.
 */
public final class MetricsLog implements AutoCloseable {
  private final Path file;
  private final Writer writer;

  private MetricsLog(Path file) throws IOException {
    this.file = file;
    this.writer =
        Files.newBufferedWriter(
            file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /**
   * Continues the log of a run that stands at {@code step}: lines of later steps are dropped.
   *
   * @throws IOException one line that names the file
   */
  public static MetricsLog continueAt(Path file, int step) throws IOException {
    if (Files.exists(file)) {
      List<Metrics> kept = read(file).stream().filter(line -> line.step() <= step).toList();
      AtomicFile.write(file, kept.stream().map(MetricsLog::line).collect(Collectors.joining()));
    }
    try {
      return new MetricsLog(file);
    } catch (IOException e) {
      throw new IOException("cannot write " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /**
   * All whole lines; one that was cut off by a crash must be the last and is left out.
   *
   * @throws CheckpointException if another line is not one of metrics, with its number
   * @throws IOException if the file cannot be read
   */
  public static List<Metrics> read(Path file) throws IOException {
    List<String> lines;
    try {
      // Not strict: bytes that are no UTF-8 are a damaged line like any other.
      lines = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
    List<Metrics> metrics = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      Optional<Metrics> parsed = MetricsJson.read(lines.get(i));
      parsed.ifPresent(metrics::add);
      if (parsed.isEmpty() && i < lines.size() - 1) {
        throw new CheckpointException(
            "%s is damaged: line %d is not a line of metrics".formatted(file, i + 1));
      }
    }
    return metrics;
  }

  /**
   * Appends a line.
   *
   * @throws IOException one line that names the file
   */
  public void append(Metrics metrics) throws IOException {
    try {
      writer.write(line(metrics));
      writer.flush();
    } catch (IOException e) {
      throw new IOException("cannot write " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static String line(Metrics metrics) {
    return MetricsJson.write(metrics) + "\n";
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}
