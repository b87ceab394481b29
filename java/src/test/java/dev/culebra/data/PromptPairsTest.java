package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptPairsTest {
  private static final int CONTEXT = 8;

  @TempDir Path folder;

  private Path file(String... lines) throws IOException {
    return Files.writeString(folder.resolve("pairs.jsonl"), String.join("\n", lines) + "\n");
  }

  private static String pair(String prompt, String completion) {
    return "{\"prompt\": \"%s\", \"completion\": \"%s\"}".formatted(prompt, completion);
  }

  @Test
  void onlyTheCompletionAndItsEndAreTargets() throws IOException {
    try (PromptPairs pairs =
            PromptPairs.open(file(pair("ab", "cd"), pair("a", "b")), TokenizerKind.CHAR);
        Batch batch = new Batch(3, CONTEXT)) {
      pairs.requireContext(CONTEXT);
      pairs.batches(Split.TRAIN, 1).fill(batch, 0, 0);
      int[] inputs = batch.inputs().toArray(ValueLayout.JAVA_INT);
      int[] targets = batch.targets().toArray(ValueLayout.JAVA_INT);
      int[] expected = pairs.tokenizer().encode("abcd\n");
      assertThat(Arrays.copyOf(inputs, expected.length)).isEqualTo(expected);
      assertThat(Arrays.copyOf(targets, CONTEXT))
          .containsExactly(-1, expected[2], expected[3], expected[4], -1, -1, -1, -1);
    }
  }

  @Test
  void batchesDependOnSeedAndStepAlone() throws IOException {
    String[] lines = new String[40];
    for (int i = 0; i < lines.length; i++) {
      lines[i] = pair("q" + i, "a" + i);
    }
    try (PromptPairs pairs = PromptPairs.open(file(lines), TokenizerKind.CHAR);
        Batch one = new Batch(6, CONTEXT);
        Batch other = new Batch(6, CONTEXT)) {
      Batches batches = pairs.batches(Split.TRAIN, 5);
      batches.fill(one, 3, 0);
      batches.fill(other, 3, 0);
      assertThat(one.inputs().mismatch(other.inputs())).isEqualTo(-1);
      batches.fill(other, 4, 0);
      assertThat(one.inputs().mismatch(other.inputs())).isNotNegative();
      assertThat(pairs.describe()).contains("36 pairs to train on, 4 to validate on");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          not json                             | .*pairs.jsonl:2: is not one JSON object
          {"prompt": "a"}                      | .*pairs.jsonl:2: needs a text that is not empty as "completion"
          {"prompt": 3, "completion": "b"}     | .*pairs.jsonl:2: needs a text that is not empty as "prompt"
          {"prompt": "", "completion": "b"}    | .*pairs.jsonl:2: needs a text that is not empty as "prompt"
          """)
  void aBadLineIsNamedByNumber(String line, String message) throws IOException {
    Path file = file(pair("a", "b"), line);
    assertThatThrownBy(() -> PromptPairs.open(file, TokenizerKind.CHAR))
        .isInstanceOf(DataException.class)
        .message()
        .matches(message);
  }

  @Test
  void whatDoesNotFitOrIsUnknownIsNamedByLine() throws IOException {
    Path file = file(pair("a", "b"), pair("aaaa", "bbbbbbbb"), pair("a", "c"));
    try (PromptPairs pairs = PromptPairs.open(file, TokenizerKind.CHAR)) {
      assertThatThrownBy(() -> pairs.requireContext(CONTEXT))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("pairs.jsonl:2: prompt and completion have 13 tokens")
          .hasMessageContaining("--context 12, not 8");
    }
    assertThatThrownBy(() -> PromptPairs.open(file, CharTokenizer.of("ab\n")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("pairs.jsonl:3: ")
        .hasMessageContaining("'c'");
  }
}
