package dev.culebra.bench.gpu;

import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Lines of Markdown, said as soon as they are known: what was measured is there if the rest hangs.
 */
final class Report {
  private final Path file;
  private final StringBuilder text = new StringBuilder();

  /**
   * @param file gets the lines too, whole again after each; null for none
   */
  Report(Path file) {
    this.file = file;
  }

  void line(String format, Object... values) throws IOException {
    String line = String.format(Locale.ROOT, format, values) + "\n";
    System.out.print(line);
    System.out.flush();
    text.append(line);
    if (file != null) {
      AtomicFile.write(file, text.toString());
    }
  }
}
