package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each mistake is one line on standard error, its exit code, and nothing left behind. */
class BadInputTest {
  @TempDir private static Path run;

  @TempDir private Path directory;

  @BeforeAll
  static void train() {
    Outcome outcome = Outcome.of((tiny(run.resolve("good").toString()) + " --steps 2").split(" "));
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
  }

  @BeforeEach
  void files() throws IOException {
    Files.createFile(directory.resolve("empty.txt"));
    Files.writeString(directory.resolve("short.txt"), "To be, or not");
    Files.writeString(directory.resolve("other.txt"), "größer ".repeat(100));
    Files.write(
        directory.resolve("latin1.txt"),
        "größer ".repeat(50).getBytes(StandardCharsets.ISO_8859_1));
    Files.writeString(directory.resolve("config.json"), "{\"batch\": 4,\n \"stepz\": 5}");
    Files.createDirectory(directory.resolve("folder"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          2 | train --batch 0                          | --batch must be at least 1, not 0
          2 | train --batch many                       | 'many' is not a whole number
          2 | train --dropout 1.5                      | --dropout must be at least 0 and below 1, not 1.5
          2 | train --heads 5                          | --heads must divide --embd: 5 heads, embd 128
          2 | train --lr -1                            | --lr must be above 0, not -1.0
          2 | train --resume                           | --resume needs the run's directory: --out
          2 | train --resume --out DIR/x --steps 5     | only --out goes with it
          2 | train --steps                            | --steps
          2 | sample                                   | --run
          2 | sample --run RUN/good --temperature -1   | --temperature must be 0 or more, not -1.0
          2 | sample --run RUN/good --top-p 1.5        | --top-p must be in (0, 1], not 1.5
          2 | sample --run RUN/good --top-k -1         | --top-k must be 0 (off) or more, not -1
          2 | sample --run RUN/good --tokens 0         | --tokens must be at least 1, not 0
          2 | eval --run RUN/good --threads -1         | --threads must be at least 0, not -1
          1 | train --data DIR/none.txt                | no such data: DIR/none.txt
          1 | train --data DIR/empty.txt               | DIR/empty.txt is empty
          1 | train --data DIR/short.txt               | a context of 64 needs at least 65
          1 | train --data DIR/latin1.txt              | DIR/latin1.txt
          1 | train --data DIR/folder                  | no text files in DIR/folder
          1 | train --config DIR/none.json             | DIR/none.json
          1 | train --config DIR/config.json           | config.json:2:
          1 | train --device cuda                      | use --device cpu
          1 | train --resume --out DIR/none            | no such run directory: DIR/none
          1 | train --resume --out DIR/folder          | is not a run directory
          1 | train --init-from DIR/folder             | is not a run directory
          1 | train --init-from RUN/good --embd 16     | has another shape
          1 | train --init-from RUN/good --data DIR/other.txt | 'ö'
          1 | train --data macbeth --out RUN/good      | holds a run already
          1 | train --data macbeth --out DIR/empty.txt | DIR/empty.txt
          1 | sample --run DIR/none                    | no such run directory: DIR/none
          1 | sample --run RUN/good --prompt é         | 'é'
          1 | sample --run RUN/good --prompt @DIR/none | no such file: DIR/none
          1 | sample --run RUN/good --prompt @DIR/empty.txt | the prompt is empty
          1 | sample --run RUN/good --device cuda:3    | use --device cpu
          1 | eval --run RUN/good --data DIR/other.txt | 'ö'
          """)
  void isOneLine(int exitCode, String commandLine, String part) throws IOException {
    String out =
        commandLine.contains("--out") || commandLine.matches("train --resume|[^t].*")
            ? ""
            : " --out DIR/new";
    Outcome outcome = Outcome.of(place(commandLine + out).split(" "));

    assertThat(outcome.err()).startsWith("culebra: ").contains(place(part));
    assertThat(outcome.err().lines()).as(outcome.err()).hasSize(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.exitCode()).isEqualTo(exitCode);
    assertThat(directory.resolve("new")).doesNotExist();
  }

  private String place(String text) {
    return text.replace("DIR", directory.toString()).replace("RUN", run.toString());
  }

  @Test
  void aDamagedCheckpointIsOneLine() throws IOException {
    Path copy = directory.resolve("copy");
    try (Stream<Path> files = Files.walk(run.resolve("good"))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(run.resolve("good").relativize(file)));
      }
    }
    Path best = copy.resolve("checkpoint/best.safetensors");
    byte[] bytes = Files.readAllBytes(best);

    byte[] flipped = bytes.clone();
    flipped[bytes.length - 100] ^= 1;
    Files.write(best, flipped);
    assertDamaged(copy, best);

    Files.write(best, java.util.Arrays.copyOf(bytes, bytes.length - 1));
    assertDamaged(copy, best);

    Files.write(best, new byte[] {-1, -1, -1, -1, -1, -1, -1, 127, '{'});
    assertDamaged(copy, best);

    Files.write(best, bytes);
    assertThat(Outcome.of("sample", "--run", copy.toString(), "--tokens", "3").exitCode()).isZero();
    Files.writeString(copy.resolve("tokenizer.json"), "{");
    Outcome tokenizer = Outcome.of("sample", "--run", copy.toString());
    assertThat(tokenizer.err().lines()).hasSize(1);
    assertThat(tokenizer.exitCode()).isEqualTo(1);
  }

  private static void assertDamaged(Path directory, Path file) {
    Outcome outcome = Outcome.of("sample", "--run", directory.toString());
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).startsWith("culebra: " + file);
    assertThat(outcome.err().lines()).hasSize(1);
  }

  @Test
  void aLossThatIsNoNumberStopsTheRunAndKeepsTheLastGoodCheckpoint() throws IOException {
    String numbers = " --steps 60 --warmup 50 --log-every 1 --save-every 1 --lr 1e38 --clip 0";
    Outcome outcome = Outcome.of(place(tiny("DIR/nan") + numbers).split(" "));

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err().lines().toList().getLast())
        .matches("culebra: .* at step \\d+: training stopped, .*");
    Path last = directory.resolve("nan/checkpoint/last.safetensors");
    if (Files.exists(last)) {
      assertThat(Outcome.of(place("sample --run DIR/nan --tokens 5").split(" ")).exitCode())
          .isZero();
    }
  }

  @Test
  void twoProcessesDoNotTrainInOneDirectory() throws Exception {
    String endless = tiny("DIR/run") + " --steps 1000000 --log-every 1";
    Path metrics = directory.resolve("run/metrics.jsonl");
    try (Program first = Program.start(directory, place(endless).split(" "))) {
      first.await(() -> Files.exists(metrics));
      Outcome second = Outcome.of(place("train --resume --out DIR/run").split(" "));

      assertThat(second.exitCode()).isEqualTo(1);
      assertThat(second.err())
          .isEqualTo(place("culebra: another process is training in DIR/run\n"));
    }
  }

  private static String tiny(String out) {
    return "train --data macbeth --layers 1 --heads 1 --embd 8 --context 8 --batch 2"
        + " --eval-batches 1 --eval-every 0 --out "
        + out;
  }
}
