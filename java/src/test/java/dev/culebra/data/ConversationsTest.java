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
