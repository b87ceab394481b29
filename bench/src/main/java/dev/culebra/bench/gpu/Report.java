package dev.culebra.bench.gpu;

import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/** Lines of Markdown, printed immediately, so that results are kept even if the rest hangs. */
final class Report {
  private final Path file;
  private final StringBuilder text = new StringBuilder();

  /**
   * @param file also receives the lines and is complete after each; null for none
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
