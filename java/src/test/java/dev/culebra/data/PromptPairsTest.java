package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.CharTokenizer;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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
            PromptPairs.open(
                file(pair("ab", "cd"), pair("a", "b")), TokenizerChoice.CHAR, Holdout.DEFAULT);
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
    try (PromptPairs pairs = PromptPairs.open(file(lines), TokenizerChoice.CHAR, Holdout.DEFAULT);
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
          not json                             | .*pairs.jsonl:2: is not one JSON object: Unrecognized token .*
          {"prompt": "a", "completion": "b"} x | .*pairs.jsonl:2: is not one JSON object: Unrecognized token .*
          {"prompt": "a", "completion": "b"} 3 | .*pairs.jsonl:2: is not one JSON object: Trailing token .*
          {"prompt": "a", "completion": "b     | .*pairs.jsonl:2: is not one JSON object: .*
          {"prompt": "a", "completion": "b", "prompt": "c"} | .*pairs.jsonl:2: is not one JSON object: Duplicate field 'prompt'
          ["a", "b"]                           | .*pairs.jsonl:2: is not one JSON object
          null                                 | .*pairs.jsonl:2: is not one JSON object
          {"prompt": "a"}                      | .*pairs.jsonl:2: needs a non-empty text as "completion"
          {"prompt": "a", "completion": ["b"]} | .*pairs.jsonl:2: needs a non-empty text as "completion"
          {"prompt": "a", "completion": ""}    | .*pairs.jsonl:2: needs a non-empty text as "completion"
          {"prompt": 3, "completion": "b"}     | .*pairs.jsonl:2: needs a non-empty text as "prompt"
          {"prompt": "", "completion": "b"}    | .*pairs.jsonl:2: needs a non-empty text as "prompt"
          {"prompt": "a\\ud800", "completion": "b"} | .*pairs.jsonl:2: has half a surrogate pair in its "prompt"
          """)
  void aBadLineIsNamedByNumber(String line, String message) throws IOException {
    Path file = file(pair("a", "b"), line);
    assertThatThrownBy(() -> PromptPairs.open(file, TokenizerChoice.CHAR, Holdout.DEFAULT))
        .isInstanceOf(DataException.class)
        .message()
        .matches(message);
  }

  @Test
  void aLineThatIsNotUtf8IsNamedByNumber() throws IOException {
    Path file = folder.resolve("latin1.jsonl");
    String lines = pair("a", "b") + "\n\n" + pair("h\u00e9", "b") + "\n";
    Files.write(file, lines.getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> PromptPairs.open(file, TokenizerChoice.CHAR, Holdout.DEFAULT))
        .isInstanceOf(DataException.class)
        .hasMessageEndingWith("latin1.jsonl:3: is not UTF-8");
  }

  @Test
  void filesOfOtherSystemsHaveTheSamePairs() throws IOException {
    Path file = folder.resolve("windows.jsonl");
    String lines = "\uFEFF" + pair("a", "b\\r\\nb") + "\r\n   \r\n" + pair("c", "d\u2028");
    Files.writeString(file, lines);
    try (PromptPairs pairs = PromptPairs.open(file, TokenizerChoice.CHAR, Holdout.DEFAULT)) {
      assertThat(texts(pairs, Split.TRAIN)).containsExactly("a|b\r\nb\n");
      assertThat(texts(pairs, Split.VALIDATION)).containsExactly("c|d\u2028\n");
    }
  }

  @Test
  void aNameInCapitalsIsRecognised() throws IOException {
    Path file =
        Files.writeString(folder.resolve("ANSWERS.JSONL"), (pair("a", "b") + "\n").repeat(4));
    try (Dataset pairs =
        new Corpora(folder).dataset(DataSpec.of(file.toString()), TokenizerChoice.CHAR)) {
      assertThat(pairs).isInstanceOf(PromptPairs.class);
    }
  }

  private static List<String> texts(PromptPairs pairs, Split split) {
    return pairs.questions(split).stream()
        .map(
            question ->
                pairs.tokenizer().decode(question.prompt())
                    + "|"
                    + pairs.tokenizer().decode(question.answer()))
        .toList();
  }

  @Test
  void onePairIsTooFew() throws IOException {
    for (Path file : new Path[] {file(pair("a", "b")), file("")}) {
      assertThatThrownBy(() -> PromptPairs.open(file, TokenizerChoice.CHAR, Holdout.DEFAULT))
          .isInstanceOf(DataException.class)
          .hasMessageEndingWith(
              "pairs.jsonl: needs at least 2 lines, to train on and to validate on");
    }
  }

  @Test
  void whatDoesNotFitIsNamedByLineAndSaysWhatWould() throws IOException {
    Path file = file(pair("a", "b"), pair("aaaa", "bbbbbbbb"), pair("a", "c".repeat(20)));
    try (PromptPairs pairs = PromptPairs.open(file, TokenizerChoice.CHAR, Holdout.DEFAULT)) {
      assertThatThrownBy(() -> pairs.requireContext(CONTEXT))
          .isInstanceOf(DataException.class)
          .hasMessageEndingWith(
              "pairs.jsonl:2: prompt and completion have 13 tokens, which needs a context of 12, not 8;"
                  + " all lines need 21");
      assertThatThrownBy(() -> pairs.requireContext(20))
          .hasMessageEndingWith(
              "pairs.jsonl:3: prompt and completion have 22 tokens, which needs a context of 21, not"
                  + " 20");
      pairs.requireContext(21);
    }
  }

  @Test
  void unknownCharactersAreNamedByLine() throws IOException {
    Path file = file(pair("a", "b"), pair("ab", "bcc"), pair("ad", "c"));
    assertThatThrownBy(() -> PromptPairs.open(file, CharTokenizer.of("ab\n"), Holdout.DEFAULT))
        .isInstanceOf(DataException.class)
        .hasMessageEndingWith(
            "pairs.jsonl:2: \"completion\": character 2 of the text, 'c' (U+0063), is not in the"
                + " vocabulary of 3 characters; all that it does not know: 3 × 'c', 1 × 'd'");
    assertThatThrownBy(() -> PromptPairs.open(file, CharTokenizer.of("abcd"), Holdout.DEFAULT))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no token for a line's end");
  }

  @Test
  void aQuestionFillsARowAndNeedsRoom() {
    Question question = new Question(new int[] {5, 6}, new int[] {7, 8});
    try (Batch batch = new Batch(2, 3);
        Batch small = new Batch(1, 2)) {
      batch.clear();
      question.fill(batch, 1);
      assertThat(batch.inputs().toArray(ValueLayout.JAVA_INT)).containsExactly(0, 0, 0, 5, 6, 7);
      assertThat(batch.targets().toArray(ValueLayout.JAVA_INT))
          .containsExactly(-1, -1, -1, -1, 7, 8);
      assertThatThrownBy(() -> question.fill(small, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("4 tokens do not fit into a context of 2");
    }
    assertThatThrownBy(() -> new Question(new int[0], new int[] {7}))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
