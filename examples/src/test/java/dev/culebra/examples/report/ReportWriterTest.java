package dev.culebra.examples.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportWriterTest {
  @TempDir Path folder;

  @Test
  void aFailedReportDoesNotEndTrainingAndIsReportedOnce() {
    Path file = folder.resolve("report.html");
    List<Exception> failures = new ArrayList<>();
    Supplier<RunRecord> record =
        () -> {
          throw new OutOfMemoryError("Java heap space");
        };

    // The constructor writes the first report.
    assertThatCode(() -> new ReportWriter(file, record, failures::add).write())
        .doesNotThrowAnyException();
    assertThat(failures)
        .singleElement()
        .isInstanceOf(IOException.class)
        .hasToString("java.io.IOException: not enough memory for " + file);
  }
}
