package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Questions and answers from a {@code .jsonl}: training, measuring, asking. */
class PromptPairsTest {
  private static final int PAIRS = 80;

  @TempDir static Path folder;
  private static RunFolder run;
  private static Path file;
  private static Outcome training;

  /**
   * For a letter and a digit, the digit and then the letter; half of the answers are unpredictable.
   */
  @BeforeAll
  static void train() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < PAIRS; i++) {
      lines.add(pair(prompt(i), completion(i)));
    }
    file = Files.writeString(folder.resolve("swap.jsonl"), String.join("\n", lines));
    run = new RunFolder(folder.resolve("run"));
    training =
        Outcome.of(
            run.train(
                "--data=" + file,
                "--steps=300",
                "--lr=1e-2",
                "--eval-every=0",
                "--sample-every=0"));
    assertThat(training.exitCode()).as("%s", training).isZero();
  }

  private static String prompt(int i) {
    return "%c%d?".formatted('a' + i % 8, i * 7 % 10);
  }

  private static String completion(int i) {
    return "%d%c%s".formatted(i * 7 % 10, 'a' + i % 8, i % 4 == 3 ? "!" : "");
  }

  private static String pair(String prompt, String completion) {
    return "{\"prompt\": \"%s\", \"completion\": \"%s\"}".formatted(prompt, completion);
  }

  private static Outcome eval(String... flags) {
    List<String> args = new ArrayList<>(List.of("eval", "--run=" + run.path()));
    args.addAll(List.of(flags));
    return Outcome.of(args.toArray(String[]::new));
  }

  @Test
  void exactCountsMatchTheOutputOfSample() throws IOException {
    int right = 0;
    int tokens = 0;
    for (int i = PAIRS - PAIRS / 10; i < PAIRS; i++) {
      Outcome answer =
          Outcome.of(
              "sample",
              "--run=" + run.path(),
              "--prompt=" + prompt(i),
              "--temperature=0",
              "--line");
      right += answer.out().equals(prompt(i) + completion(i) + "\n") ? 1 : 0;
      tokens += completion(i).length() + 1;
    }
    JsonNode json = JsonMapper.builder().build().readTree(eval("--json").out());
    assertThat(right).isBetween(1, PAIRS / 10);
    assertThat(json.get("right").intValue()).isEqualTo(right);
    assertThat(json.get("pairs").intValue()).isEqualTo(PAIRS / 10);
    assertThat(json.get("tokens").intValue()).isEqualTo(tokens);
    assertThat(json.get("perplexity").doubleValue())
        .isCloseTo(Math.exp(json.get("loss").doubleValue()), within(1e-9));
    assertThat(json.get("bytes").intValue()).isEqualTo(tokens); // all of ASCII
    assertThat(json.get("bits_per_byte").doubleValue())
        .isCloseTo(json.get("loss").doubleValue() / Math.log(2), within(1e-9));
    assertThat(json.get("data").asText()).isEqualTo(file.toString());
    String line = "exact completions of validation prompts: %.1f %% (%d of 8)";
    assertThat(eval().out())
        .contains(line.formatted(100.0 * right / 8, right))
        .contains(
            "%d tokens of completions: loss %.4f"
                .formatted(tokens, json.get("loss").doubleValue()));
    assertThat(eval("--data=" + file).out()).isEqualTo(eval().out());
  }

  @Test
  void wholeAsksAllPairs() throws IOException {
    JsonNode json =
        JsonMapper.builder().build().readTree(eval("--whole", "--json", "--data=" + file).out());

    assertThat(json.get("pairs").intValue()).isEqualTo(PAIRS);
    assertThat(eval("--whole").out())
        .contains("exact completions of all prompts: ", ", all of it, ");
  }

  @Test
  void trainingEndsWithPromptsAndBothCompletions() throws IOException {
    String sample = Files.readString(run.path().resolve("sample.txt"));
    assertThat(training.out().strip()).isEqualTo(sample.strip());
    List<String> lines = sample.lines().toList();
    assertThat(lines).hasSize(6);
    for (int i = 0; i < 5; i++) {
      int pair = PAIRS - PAIRS / 10 + i;
      assertThat(lines.get(i)).startsWith("\"" + prompt(pair) + "\" \"");
      assertThat(lines.get(i))
          .matches(".*\"" + completion(pair) + "\"  right|.*, it is \"" + completion(pair) + "\"");
    }
    assertThat(lines.getLast()).startsWith("exact completions of validation prompts: ");
    assertThat(training.err()).contains("--temperature 0 --line");
  }

  @Test
  void aStoppedRunResumesToTheBit() throws IOException {
    String[] flags = {"--data=" + file, "--log-every=1", "--eval-every=3", "--schedule=constant"};
    RunFolder whole = new RunFolder(folder.resolve("whole"));
    RunFolder parts = new RunFolder(folder.resolve("parts"));
    Outcome.of(whole.train(flags, "--steps=9"));
    Outcome.of(parts.train(flags, "--steps=6"));
    parts.setSteps(9);
    assertThat(Outcome.of("train", "--resume", "--out=" + parts.path()).exitCode()).isZero();
    assertThat(parts.lastStep()).isEqualTo(9);
    assertThat(parts.steps()).isEqualTo(whole.steps());
  }

  @Test
  void finetuningNamesUnknownCharacters() throws IOException {
    Path foreign = write("foreign.jsonl", pair("a1?", "1a") + "\n" + pair("z1?", "1z") + "\n");
    String[] flags = {
      "train",
      "--init-from=" + run.path(),
      "--data=" + foreign,
      "--out=" + folder + "/no",
      "--steps=2"
    };
    Outcome.of(flags)
        .assertFails(
            1,
            ".*foreign.jsonl:2: \"prompt\": character 1 of the text, 'z' .*: 2 × 'z': --grow-vocab .*");
    List<String> skipping = new ArrayList<>(List.of(flags));
    skipping.add("--skip-unknown");
    Outcome.of(skipping.toArray(String[]::new))
        .assertFails(1, "--skip-unknown is for texts: .*foreign.jsonl.*");
    eval("--data=" + foreign).assertFails(1, ".*foreign.jsonl:2: .*'z'.*");
    assertThat(folder.resolve("no")).doesNotExist();
  }

  @Test
  void badFilesAreNamedByLine() throws Exception {
    String good = pair("a", "b") + "\n";
    assertRefused(
        "broken.jsonl", good + "{\"prompt\": \"a\"", ".*broken.jsonl:2: is not one JSON .*");
    assertRefused(
        "empty.jsonl",
        good + pair("a", ""),
        ".*empty.jsonl:2: needs a non-empty text .*\"completion\"");
    assertRefused("one.jsonl", good, ".*one.jsonl: needs at least 2 lines.*");
    assertRefused(
        "long.jsonl",
        good + pair("a", "b".repeat(99)),
        ".*long.jsonl:2: prompt and completion have 101 tokens, which needs a context of 100, not 16");
    refuse("gone.jsonl", "no such data: .*gone.jsonl is neither a file nor one of .*");
    Files.createDirectory(folder.resolve("folder.jsonl"));
    refuse("folder.jsonl", ".*folder.jsonl.*");
    eval("--data=" + write("longer.jsonl", good + pair("a1?", "1".repeat(30))))
        .assertFails(1, ".*longer.jsonl:2: .*needs a context of 33, not 16");

    Outcome process = Program.run(folder, "eval", "--run=run", "--data=broken.jsonl");
    process.assertFails(1, "broken.jsonl:2: is not one JSON .*");
  }

  private static void assertRefused(String name, String text, String line) throws IOException {
    write(name, text);
    refuse(name, line);
  }

  private static void refuse(String name, String line) {
    RunFolder none = new RunFolder(folder.resolve("none"));
    Outcome.of(none.train("--data=" + folder.resolve(name))).assertFails(1, line);
    assertThat(none.path()).doesNotExist();
  }

  private static Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text, StandardCharsets.UTF_8);
  }
}
