package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetricsLogTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("metrics.jsonl");
  }

  @Test
  void aLineHasTheNamesOfItsFields() throws IOException {
    write(
        new Metrics(100, 2.5f, 2.75f, 1e-3f, 0.5f, 12345.5, 61.25),
        new Metrics(110, 2.25f, null, 9e-4f, 1.5f, 12000, 65),
        new Metrics(120, 2.125f, null, 9e-4f, 1.5f, 12000, 70, 9.5, 0.25),
        new Metrics(130, 2, null, 9e-4f, 1.5f, 12000, 75, 9.5, null));

    assertThat(file)
        .hasContent(
            """
            {"step":100,"loss":2.5,"val_loss":2.75,"lr":0.001,"grad_norm":0.5,\
            "tokens_per_second":12345.5,"elapsed_s":61.25}
            {"step":110,"loss":2.25,"lr":9.0E-4,"grad_norm":1.5,\
            "tokens_per_second":12000.0,"elapsed_s":65.0}
            {"step":120,"loss":2.125,"lr":9.0E-4,"grad_norm":1.5,\
            "tokens_per_second":12000.0,"elapsed_s":70.0,"tflops":9.5,"mfu":0.25}
            {"step":130,"loss":2.0,"lr":9.0E-4,"grad_norm":1.5,\
            "tokens_per_second":12000.0,"elapsed_s":75.0,"tflops":9.5}
            """);
    List<String> names = new ArrayList<>();
    new JsonMapper()
        .readTree(Files.readAllLines(file).getFirst())
        .fieldNames()
        .forEachRemaining(names::add);
    assertThat(names)
        .containsExactly(
            "step", "loss", "val_loss", "lr", "grad_norm", "tokens_per_second", "elapsed_s");
  }

  @Test
  void readsWhatWasWritten() throws IOException {
    Metrics[] lines = {
      new Metrics(1, 4.17f, 4.2f, 1e-3f, 1.25f, 1000.5, 0.25),
      new Metrics(2, Float.MIN_VALUE, null, 0, Float.MAX_VALUE, Double.MAX_VALUE, 1e-9),
      new Metrics(3, -0f, 0.1f, 3e-4f, 1 / 3f, 1 / 3., Double.MIN_VALUE),
      new Metrics(4, 1, null, 0, 1, 1, 1, 2 / 3., null),
      new Metrics(5, 1, 1f, 0, 1, 1, 1, 2 / 3., 1 / 3.),
      new Metrics(6, 1, null, 0, 1, Double.NaN, 1, Double.NaN, Double.NaN)
    };
    write(lines);
    assertThat(MetricsLog.read(file, line -> {})).containsExactly(lines);
  }

  /** JSON has no other portable form: most readers reject {@code NaN}. */
  @Test
  void figuresThatAreNotFiniteAreNull() throws IOException {
    write(
        new Metrics(3, Float.NaN, Float.NEGATIVE_INFINITY, 0, Float.POSITIVE_INFINITY, 1, 2),
        new Metrics(4, 1, null, 0, 1, Double.NaN, Double.POSITIVE_INFINITY));
    assertThat(file)
        .hasContent(
            """
            {"step":3,"loss":null,"val_loss":null,"lr":0.0,"grad_norm":null,\
            "tokens_per_second":1.0,"elapsed_s":2.0}
            {"step":4,"loss":1.0,"lr":0.0,"grad_norm":1.0,\
            "tokens_per_second":null,"elapsed_s":null}
            """);
    assertThat(MetricsLog.read(file, line -> {}))
        .containsExactly(
            new Metrics(3, Float.NaN, Float.NaN, 0, Float.NaN, 1, 2),
            new Metrics(4, 1, null, 0, 1, Double.NaN, Double.NaN));
  }

  @Test
  void fieldsOfLaterVersionsAreIgnored() throws IOException {
    write(line(1));
    String more = Files.readString(file).replace("}", ",\"new\":[1]}");
    Files.writeString(file, more);
    assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1));
  }

  @Test
  void aLineIsWrittenImmediately() throws IOException {
    try (MetricsLog log = MetricsLog.continueAt(file, 0, line -> {})) {
      assertThat(MetricsLog.read(file, line -> {})).isEmpty();
      log.append(line(1));
      assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1));
      log.append(line(2));
      assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1), line(2));
    }
  }

  @Test
  void resumingDropsLaterLines() throws IOException {
    write(line(1), line(2), line(3), line(4));
    try (MetricsLog log = MetricsLog.continueAt(file, 2, line -> {})) {
      assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1), line(2));
      log.append(line(3));
    }
    assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1), line(2), line(3));
    MetricsLog.continueAt(file, 0, line -> {}).close();
    assertThat(file).isEmptyFile();
  }

  @Test
  void resumingDropsATruncatedLine() throws IOException {
    write(line(1), line(2));
    byte[] whole = Files.readAllBytes(file);
    int secondLine = whole.length / 2;
    for (int end = secondLine; end < whole.length - 1; end++) {
      Files.write(file, Arrays.copyOf(whole, end));
      try (MetricsLog log = MetricsLog.continueAt(file, 9, line -> {})) {
        assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1));
        log.append(line(2));
      }
      assertThat(file).hasBinaryContent(whole);
    }
  }

  @Test
  void aMissingFinalLineBreakIsAdded() throws IOException {
    write(line(1), line(2));
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 1));
    try (MetricsLog log = MetricsLog.continueAt(file, 9, line -> {})) {
      log.append(line(3));
    }
    assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1), line(2), line(3));
  }

  @Test
  void garbageLeftByACrashIsDropped() throws IOException {
    write(line(1));
    for (byte[] rest : new byte[][] {new byte[100], {(byte) 0xFF, (byte) 0xC3}, {' '}}) {
      Files.write(file, rest, StandardOpenOption.APPEND);
      MetricsLog.continueAt(file, 1, line -> {}).close();
      assertThat(MetricsLog.read(file, line -> {})).containsExactly(line(1));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "null",
        "[]",
        "{}",
        "7",
        "{\"step\":2}",
        "{\"step\":2,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1}",
        "{\"step\":2,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}"
            + " {",
        "{\"step\":2,\"step\":2,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"step\":null,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"step\":\"2\",\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"step\":2,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1,\"mfu\":\"1\"}",
        "{\"step\":2.5,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"step\":4294967298,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"step\":2,\"loss\":\"1\",\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"step\":2,\"loss\":NaN,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"step\":\"two\",\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "{\"stepp\":2,\"loss\":1,\"lr\":1,\"grad_norm\":1,\"tokens_per_second\":1,\"elapsed_s\":1}",
        "\u00ff"
      })
  void aDamagedLineIsNamedAndSkipped(String damaged) throws IOException {
    write(line(1), line(2), line(3));
    List<String> lines = Files.readAllLines(file);
    lines.set(1, damaged);
    // Latin-1, so that the last of the damaged lines is not UTF-8.
    Files.write(file, lines, StandardCharsets.ISO_8859_1);
    String message = file + " is damaged: line 2 is not a line of metrics, so it is skipped";
    List<String> said = new ArrayList<>();

    assertThat(MetricsLog.read(file, said::add)).containsExactly(line(1), line(3));
    assertThat(said).containsExactly(message);
    MetricsLog.continueAt(file, 3, said::add).close();
    assertThat(said).containsExactly(message, message);
    assertThat(MetricsLog.read(file, said::add)).containsExactly(line(1), line(3));
    assertThat(said).hasSize(2); // the file is intact again
  }

  @Test
  void unusableFilesAreReportedInOneLine() {
    assertThatThrownBy(() -> MetricsLog.read(file, line -> {}))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read %s: no such file or directory: %s", file, file);
    assertThatThrownBy(() -> MetricsLog.continueAt(folder, 0, line -> {}))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read %s: %s", folder, SystemErrors.isADirectory());
    Path nowhere = folder.resolve("nowhere/metrics.jsonl");
    assertThatThrownBy(() -> MetricsLog.continueAt(nowhere, 0, line -> {}))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot write %s: no such file or directory: %s", nowhere, nowhere);
  }

  private void write(Metrics... lines) throws IOException {
    try (MetricsLog log = MetricsLog.continueAt(file, 0, line -> {})) {
      for (Metrics line : lines) {
        log.append(line);
      }
    }
  }

  private static Metrics line(int step) {
    return new Metrics(step, 1f / step, null, 1e-3f, 1, 1000, step);
  }
}
