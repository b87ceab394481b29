package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampleCommandTest {
  @TempDir static Path folder;
  private static RunFolder run;

  @BeforeAll
  static void train() {
    run = new RunFolder(folder.resolve("run"));
    assertThat(Outcome.of(run.train("--data=macbeth", "--steps=60", "--lr=1e-2")).exitCode())
        .isZero();
  }

  @Test
  void printsThePromptAndItsContinuationAndNothingElse() throws Exception {
    Outcome sample =
        Program.run(folder, "sample", "--run=run", "--prompt=Macb", "--tokens=9", "--seed=1");

    assertThat(sample.exitCode()).isZero();
    assertThat(sample.err()).isEmpty();
    assertThat(sample.out()).startsWith("Macb").endsWith("\n").hasSize(4 + 9 + 1);
  }

  @Test
  void onlyEqualSeedsGiveEqualText() {
    String one = text("--seed=1", "--tokens=60");

    assertThat(text("--seed=1", "--tokens=60")).isEqualTo(one);
    assertThat(text("--seed=2", "--tokens=60")).isNotEqualTo(one);
    assertThat(text("--tokens=60")).isNotEqualTo(text("--tokens=60"));
  }

  @Test
  void severalSamplesDifferAndTheFirstEqualsASingleOne() {
    String[] samples = text("--seed=1", "--tokens=40", "--samples=3").split("\n\n---\n", -1);

    assertThat(samples).hasSize(3).doesNotHaveDuplicates();
    assertThat(samples[0] + "\n").isEqualTo(text("--seed=1", "--tokens=40"));
    assertThat(samples).allMatch(sample -> sample.startsWith("Macb"));
  }

  @Test
  void moreSamplesThanAreWrittenTogetherComeInOrder() {
    String all = text("--seed=1", "--tokens=30", "--samples=11");

    assertThat(all.split("\n\n---\n", -1)).hasSize(11).doesNotHaveDuplicates();
    assertThat(all).startsWith(text("--seed=1", "--tokens=30", "--samples=10").stripTrailing());
  }

  @Test
  void statsGoToStandardError() {
    Outcome sample =
        Outcome.of("sample", "--run=" + run.path(), "--prompt=Macb", "--tokens=9", "--stats");

    assertThat(sample.out()).startsWith("Macb").hasSize(4 + 9 + 1);
    assertThat(sample.err())
        .matches("9 tokens, the first after [0-9.]+ s, then [0-9,.]+ tokens/s\n");
  }

  @Test
  void continuesPastTheContext() {
    assertThat(text("--seed=1", "--tokens=100")).hasSize(4 + 100 + 1);
    assertThat(
            Outcome.of("sample", "--run=" + run.path(), "--tokens=3", "--prompt=" + "a".repeat(99)))
        .matches(sample -> sample.exitCode() == 0 && sample.out().length() == 99 + 3 + 1);
  }

  @Test
  void greedyNeedsNoSeed() {
    String greedy = text("--temperature=0", "--tokens=60");

    assertThat(text("--temperature=0", "--tokens=60", "--seed=5")).isEqualTo(greedy);
    assertThat(text("--top-k=1", "--tokens=60", "--seed=6")).isEqualTo(greedy);
    assertThat(text("--top-p=1e-9", "--tokens=60", "--seed=7")).isEqualTo(greedy);
  }

  @Test
  void readsALongPromptFromAFile() throws IOException {
    Path file = Files.writeString(folder.resolve("prompt.txt"), "Enter Macbeth,\nand Banquo.");
    Outcome sample =
        Outcome.of("sample", "--run=" + run.path(), "--prompt=@" + file, "--tokens=1", "--seed=1");

    assertThat(sample.out()).startsWith("Enter Macbeth,\nand Banquo.").hasSize(26 + 1 + 1);
  }

  @Test
  void unreadablePromptsAreReportedInOneLine() {
    String directory = "--run=" + run.path();

    assertFails(
        1, "prompt: character 2 of the text, 'é' \\(U\\+00E9\\), .*", directory, "--prompt=hé");
    assertFails(1, "the prompt is empty", directory, "--prompt=");
    assertFails(1, "no such file: .*gone.txt", directory, "--prompt=@gone.txt");
    assertFails(1, "no such run directory or model: gone", "--run=gone");
    assertFails(1, ".* is not a run directory: it has no config.json", "--run=" + folder);
    assertFails(1, "cuda:0 cannot be used: no NVIDIA driver: .*", directory, "--device=cuda");
  }

  @ParameterizedTest
  @CsvSource({
    "--temperature=-1",
    "--temperature=NaN",
    "--temperature=Infinity",
    "--temperature=x",
    "--top-k=-1",
    "--top-k=1.5",
    "--top-p=0",
    "--top-p=1.01",
    "--top-p=NaN",
    "--tokens=0",
    "--samples=0",
    "--seed=x",
    "--threads=-1",
    "--device=gpu",
    "--weights=fp16"
  })
  void invalidValuesAreUsageErrors(String flag) {
    String name = flag.substring(0, flag.indexOf('='));

    assertFails(2, ".*" + name + ".*", "--run=" + run.path(), flag);
  }

  @Test
  void weightsOfFewerBitsWriteTextOnTheCpuAlone() {
    assertThat(text("--temperature=0", "--tokens=60", "--weights=fp32"))
        .isEqualTo(text("--temperature=0", "--tokens=60"));
    assertThat(text("--seed=1", "--tokens=60", "--weights=bf16")).startsWith("Macb").hasSize(65);
    assertThat(text("--seed=1", "--tokens=60", "--weights=int8")).startsWith("Macb").hasSize(65);
    assertFails(
        2,
        "--weights int8 is for the CPU: leave it out, or use --device cpu \\(see: .*\\)",
        "--run=" + run.path(),
        "--weights=int8",
        "--device=cuda");
  }

  @Test
  void aRunWithoutACheckpointIsNamed() throws IOException {
    Path young = Files.createDirectories(folder.resolve("young"));
    for (String file : List.of("config.json", "tokenizer.json")) {
      Files.copy(run.path().resolve(file), young.resolve(file));
    }

    assertFails(1, young + " has no checkpoint yet", "--run=" + young);
  }

  private static String text(String... flags) {
    Outcome sample =
        Outcome.of(
            Stream.concat(
                    Stream.of("sample", "--run=" + run.path(), "--prompt=Macb"), Stream.of(flags))
                .toArray(String[]::new));
    assertThat(sample.err()).isEmpty();
    return sample.out();
  }

  private static void assertFails(int exitCode, String line, String... flags) {
    Outcome.of(Stream.concat(Stream.of("sample"), Stream.of(flags)).toArray(String[]::new))
        .assertFails(exitCode, line);
  }
}
