package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Truncated or changed files of a run: they are named in one line and left unchanged. */
class DamagedRunTest {
  private static final int LENGTH_BYTES = 8;

  @TempDir static Path folder;
  private static byte[] best;
  private static byte[] last;
  private static RunFolder run;

  @BeforeAll
  static void train() throws IOException {
    run = new RunFolder(folder.resolve("run"));
    assertThat(Outcome.of(run.train("--data=macbeth", "--steps=2")).exitCode()).isZero();
    best = Files.readAllBytes(best());
    last = Files.readAllBytes(run.last());
  }

  @BeforeEach
  void mend() throws IOException {
    Files.write(best(), best);
    Files.write(run.last(), last);
  }

  private static Path best() {
    return run.last().resolveSibling("best.safetensors");
  }

  static Stream<Arguments> damages() {
    return Stream.of(
        damage("nothing left", file -> new byte[0], "0 bytes are too few for a header"),
        damage("three bytes left", file -> Arrays.copyOf(file, 3), "3 bytes are too few .*"),
        damage("cut in the header", file -> Arrays.copyOf(file, 99), "its header claims .*"),
        damage(
            "cut in the data",
            file -> Arrays.copyOf(file, file.length - 1),
            "its tensors have .* bytes, but the data has .*"),
        damage("too long", file -> Arrays.copyOf(file, file.length + 4), "its tensors have .*"),
        damage("a bit of the data", DamagedRunTest::flipLastBit, ".* checksum"),
        damage("a huge header", file -> withLength(file, 1L << 40), "its header claims .*"),
        damage("a negative header", file -> withLength(file, -1), "its header claims .*"),
        damage(
            "no JSON", file -> replace(file, "{\"__", "[\"__"), "its header is not valid JSON .*"),
        damage("an unknown dtype", file -> replace(file, "\"F32\"", "\"F33\""), ".*"),
        damage("another dtype", file -> replace(file, "\"F32\"", "\"F16\""), ".*"),
        damage("a huge shape", file -> replace(file, "\"shape\":[65", "\"shape\":[99"), ".*"),
        damage("other offsets", file -> replace(file, "offsets\":[0", "offsets\":[4"), ".*"),
        damage("another name", file -> replace(file, "\":{\"dtype\"", "x:{\"dtype\""), ".*"));
  }

  private static Arguments damage(String name, UnaryOperator<byte[]> change, String reason) {
    return Arguments.of(name, change, reason);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damages")
  void aDamagedCheckpointIsNamed(String name, UnaryOperator<byte[]> change, String reason)
      throws IOException {
    byte[] damagedBest = change.apply(best);
    byte[] damagedLast = change.apply(last);
    Files.write(best(), damagedBest);
    Files.write(run.last(), damagedLast);
    String directory = run.path().toString();

    Outcome.of("sample", "--run", directory)
        .assertFails(1, ".*best.safetensors is damaged: " + reason);
    Outcome.of("eval", "--run", directory).assertFails(1, ".*best.safetensors is damaged: .*");
    Outcome.of("train", "--resume", "--out", directory)
        .assertFails(1, ".*last.safetensors is damaged: " + reason);
    Outcome.of("train", "--data=macbeth", "--init-from", directory, "--out", directory + "-new")
        .assertFails(1, ".*best.safetensors is damaged: .*");
    assertThat(Files.readAllBytes(best())).isEqualTo(damagedBest);
    assertThat(Files.readAllBytes(run.last())).isEqualTo(damagedLast);
    assertThat(folder.resolve("run-new")).doesNotExist();
  }

  @Test
  void otherFilesOfTheRun() throws IOException {
    assertDamaged("config.json", "{\"layers\": 2", ".*config.json:1:\\d+: not valid JSON: .*");
    assertDamaged("config.json", "{\"layers\": 0}", ".*config.json: layers must be .*");
    assertDamaged("config.json", "{\"data\": \"macbeth\", \"embd\": 32}", ".*safetensors.*");
    assertDamaged("tokenizer.json", "{", ".*tokenizer.json.*");
    assertDamaged("tokenizer.json", "", ".*tokenizer.json.*");
  }

  private static void assertDamaged(String name, String content, String line) throws IOException {
    Path file = run.path().resolve(name);
    byte[] whole = Files.readAllBytes(file);
    try {
      Files.writeString(file, content);
      Outcome.of("sample", "--run", run.path().toString()).assertFails(1, line);
      Outcome.of("train", "--resume", "--out", run.path().toString()).assertFails(1, line);
    } finally {
      Files.write(file, whole);
    }
  }

  @Test
  void changedConfigurationOrTokenizerIsReported() throws IOException {
    assertChanged("config.json", "\"heads\"( ?):( ?)2", "\"heads\": 4", "it has heads 4, not 2");
    assertChanged(
        "config.json", "\"gelu_tanh\"", "\"relu\"", "it has activation relu, not gelu_tanh");
    assertChanged(
        "tokenizer.json", "\"a\", \"b\"", "\"b\", \"a\"", "its tokens or their order differ");
  }

  private static void assertChanged(String name, String text, String by, String how)
      throws IOException {
    Path file = run.path().resolve(name);
    String whole = Files.readString(file);
    assertThat(whole).containsPattern(text);
    String directory = run.path().toString();
    String line = ".*%s has changed since .*safetensors was written: %s; .*".formatted(name, how);
    try {
      Files.writeString(file, whole.replaceFirst(text, by));
      Outcome.of("sample", "--run", directory).assertFails(1, line);
      Outcome.of("eval", "--run", directory).assertFails(1, line);
      Outcome.of("train", "--resume", "--out", directory).assertFails(1, line);
      Outcome.of("train", "--data=macbeth", "--init-from", directory, "--out", directory + "-new")
          .assertFails(1, line);
      assertThat(
              Outcome.of("sample", "--run", directory, "--accept-changes", "--tokens=3").exitCode())
          .isZero();
    } finally {
      Files.writeString(file, whole);
    }
  }

  @Test
  void aHugeModelIsRejectedBeforeMemoryIsAllocated() throws IOException {
    Path file = run.path().resolve("config.json");
    byte[] whole = Files.readAllBytes(file);
    assertRefused("layers", 100_000_000, ".*config.json: layers must be at most 10000, not .*");
    assertRefused("layers", 9999, ".*best.safetensors has fewer than the 9999 layers of .*");
    assertRefused("embd", 16_384, ".*tensor wte.weight is F32 .*");
    assertRefused("context", 9_999_999, ".*tensor wpe.weight is F32 .*");
    assertThat(file).hasBinaryContent(whole);
  }

  private static void assertRefused(String field, int value, String line) throws IOException {
    Path file = run.path().resolve("config.json");
    byte[] whole = Files.readAllBytes(file);
    try {
      Files.writeString(file, ((ObjectNode) run.config()).put(field, value).toString());
      Outcome.of("sample", "--accept-changes", "--run", run.path().toString()).assertFails(1, line);
    } finally {
      Files.write(file, whole);
    }
  }

  private static byte[] flipLastBit(byte[] file) {
    byte[] flipped = file.clone();
    flipped[file.length - 1] ^= 1;
    return flipped;
  }

  private static byte[] withLength(byte[] file, long length) {
    byte[] changed = file.clone();
    ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
    return changed;
  }

  /** Replaces the first {@code text} of the header by one of the same length. */
  private static byte[] replace(byte[] file, String text, String by) {
    String latin = new String(file, StandardCharsets.ISO_8859_1);
    int at = latin.indexOf(text, LENGTH_BYTES);
    assertThat(at).as(text).isPositive();
    byte[] changed = file.clone();
    byte[] bytes = by.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(bytes, 0, changed, at, bytes.length);
    return changed;
  }

  @Test
  void theRunResumesWithoutItsBestWeights() throws IOException {
    Files.write(best(), new byte[7]);
    run.setSteps(3);
    Outcome resumed = Outcome.of("train", "--resume", "--out", run.path().toString());
    run.setSteps(2);

    assertThat(resumed.exitCode()).as("%s", resumed).isZero();
  }
}
