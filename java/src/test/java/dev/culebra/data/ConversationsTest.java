package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationsTest {
  private static final String GOOD =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"ab\"}, {\"role\": \"assistant\","
          + " \"content\": \"cd\"}, {\"role\": \"user\", \"content\": \"e\"}, {\"role\":"
          + " \"assistant\", \"content\": \"f\"}]}\n";

  @TempDir Path directory;
  private final Corpora corpora = new Corpora(Path.of("none"));

  private Path write(String text) throws IOException {
    return Files.writeString(directory.resolve("talk.jsonl"), text);
  }

  private Dataset open(String text) throws IOException {
    return corpora.dataset(
        DataSpec.of(write(text).toString()), TokenizerChoice.of(TokenizerKind.CHAR));
  }

  @Test
  void targetsAreAnswersAndTheirEndsOnly() throws IOException {
    Dataset data = open(GOOD.repeat(3));
    CharTokenizer characters = (CharTokenizer) data.tokenizer();
    assertThat(data).isInstanceOf(Conversations.class);
    assertThat(data.describe())
        .contains("2 conversations to train on, 1 to validate on, in the format plain");
    try (Batch batch = new Batch(1, 10)) {
      data.batches(Split.TRAIN, 1).fill(batch, 0, 0);
      int[] inputs = batch.inputs().toArray(ValueLayout.JAVA_INT);
      int[] targets = batch.targets().toArray(ValueLayout.JAVA_INT);
      assertThat(characters.decode(java.util.Arrays.copyOf(inputs, 7))).isEqualTo("abcd\nef");
      StringBuilder shown = new StringBuilder();
      for (int target : targets) {
        shown.append(target == Batch.IGNORE ? "." : characters.decode(target));
      }
      assertThat(shown).hasToString(".cd\n.f\n...");
    }
  }

  private static String answer(String content) {
    return "{\"messages\": [{\"role\": \"assistant\", \"content\": \"%s\"}]}\n".formatted(content);
  }

  @Test
  void thePartForValidationCanBeChosen() throws IOException {
    Path file = write((answer("a").repeat(3) + answer("b")).repeat(5));
    DataSpec data = DataSpec.of(file.toString());
    Holdout fifth = new Holdout(Holdout.Rule.FILES, 0.2f, "");
    assertThat(corpora.dataset(data.with(fifth), TokenizerChoice.CHAR).describe())
        .contains("16 conversations to train on, 4 to validate on");
    Holdout drawn = new Holdout(Holdout.Rule.DOCUMENTS, 0.25f, "");
    assertThat(corpora.dataset(data.with(drawn), TokenizerChoice.CHAR).describe())
        .contains("15 conversations to train on, 5 to validate on");

    Path other = directory.resolve("other.jsonl");
    Files.writeString(other, answer("cc").repeat(2));
    Holdout others = new Holdout(Holdout.Rule.FILES, 0.1f, other.toString());
    Dataset both = corpora.dataset(data.with(others), TokenizerChoice.CHAR);
    assertThat(both.describe()).contains("20 conversations to train on, 2 to validate on");
    assertThat(both.tokenizer().vocab()).isEqualTo(4); // a, b, c and the line end
    try (Batch batch = new Batch(1, 2)) {
      both.batches(Split.VALIDATION, 1).fill(batch, 0, 0);
      assertThat(both.tokenizer().decode(batch.targets().toArray(ValueLayout.JAVA_INT)))
          .isEqualTo("c\n");
    }
    assertThatThrownBy(() -> both.requireContext(1))
        .hasMessageMatching(".*other.jsonl:1: the conversation has 3 tokens, .* needs? 2");

    Files.writeString(other, "{\"prompt\": \"a\", \"completion\": \"b\"}\n".repeat(2));
    assertThatThrownBy(() -> corpora.dataset(data.with(others), TokenizerChoice.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s is a .jsonl of conversations, but %s is a .jsonl of prompts: both must be of one"
                + " kind",
            file, other);
  }

  @Test
  void theChecksumChangesWithATokenAndWithWhatCounts() throws IOException {
    DataChecksum before = open(GOOD.repeat(3)).checksum().orElseThrow();
    assertThat(open(GOOD.repeat(3)).checksum()).contains(before);
    assertThat(before.trainTokens()).isEqualTo(2 * 8);
    String otherAnswer = GOOD.replace("\"cd\"", "\"dc\"");
    assertThat(open(otherAnswer + GOOD.repeat(2)).checksum().orElseThrow().differenceFrom(before))
        .isEqualTo("it has as many tokens, but others or in another order");
    String movedEnd = GOOD.replace("\"ab\"", "\"abc\"").replace("\"cd\"", "\"d\"");
    assertThat(open(movedEnd + GOOD.repeat(2)).checksum().orElseThrow().differenceFrom(before))
        .isEqualTo("it has as many tokens, but others or in another order");
    assertThat(open(GOOD.repeat(4)).checksum().orElseThrow().differenceFrom(before))
        .isEqualTo("it has 24 tokens to train on and 8 to validate on, not 16 and 8");
  }

  @Test
  void conversationsTooLongForTheContextAreNamed() throws IOException {
    Dataset data = open(GOOD.repeat(2));
    data.requireContext(7);
    assertThatThrownBy(() -> data.requireContext(6))
        .isInstanceOf(DataException.class)
        .hasMessageMatching(
            ".*talk.jsonl:1: the conversation has 8 tokens, which needs a context of 7, not 6; .*");
  }

  @Test
  void aLineThatIsNotAConversationIsNamed() throws IOException {
    assertBad("{\"messages\": []}", "needs a non-empty list as \"messages\"");
    assertBad(
        "{\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}]}",
        "has the \"role\" \"tool\"; it must be system, user or assistant");
    assertBad(
        "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}",
        "has no message of the assistant, so there is nothing to learn");
    assertBad(
        "{\"messages\": [{\"role\": \"assistant\"}]}", "needs a non-empty text as \"content\"");
    assertBad("{\"prompt\": \"x\", \"completion\": \"y\"}", "needs a non-empty list .*");
    Path one = write(GOOD);
    assertThatThrownBy(() -> corpora.dataset(DataSpec.of(one.toString()), TokenizerChoice.CHAR))
        .hasMessageContaining("needs at least 2 lines");
  }

  private void assertBad(String line, String fault) throws IOException {
    Path file = write(GOOD + "\n" + line + "\n");
    assertThatThrownBy(() -> corpora.dataset(DataSpec.of(file.toString()), TokenizerChoice.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessageMatching(".*talk.jsonl:3: " + fault);
  }

  @Test
  void charactersThatTheModelDoesNotKnowAreNamedByTheirLine() throws IOException {
    Path file = write(GOOD.repeat(2));
    assertThatThrownBy(
            () -> corpora.dataset(DataSpec.of(file.toString()), CharTokenizer.of("abcde\n")))
        .isInstanceOf(DataException.class)
        .hasMessageMatching(".*talk.jsonl:1: .*'f'.*");
    assertThat(corpora.canLeaveOutCharacters(file.toString())).isFalse();
    assertThat(corpora.characters(DataSpec.of(file.toString())).decode(0)).isEqualTo("\n");
  }
}
