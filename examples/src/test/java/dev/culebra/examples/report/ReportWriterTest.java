package dev.culebra.examples.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportWriterTest {
  @TempDir Path folder;

  @Test
  void aPictureThatIsTooBigEndsNoTrainingAndIsToldOnce() {
    Path file = folder.resolve("report.html");
    List<Exception> failures = new ArrayList<>();
    ReportWriter report =
        new ReportWriter(
            file,
            () -> {
              throw new OutOfMemoryError("Java heap space");
            },
            failures::add);

    assertThat(report.write()).isFalse();
    assertThat(failures)
        .singleElement()
        .isInstanceOf(IOException.class)
        .hasToString("java.io.IOException: not enough memory for " + file);
  }
}
