package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culebra.text.BpeDefinition;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The merges that Hugging Face's trainer learned from the first 400,000 characters of Tiny
 * Shakespeare, where that text is at hand.
 */
class TrainedMergesTest {
  private static final Path TEXT = Path.of("../../shared/data/tinyshakespeare/input.txt");
  private static final int CHARACTERS = 400_000;

  /**
   * The text was passed in pieces of this length, and words that a border cuts count as two: as one
   * text, 68 of GPT-2's 255 merges have another place, and one is another.
   */
  private static final int DOCUMENT = 1000;

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama3", "qwen2"})
  void areThoseOfHuggingFace(String name) throws IOException {
    assumeTrue(Files.exists(TEXT));
    BpeDefinition theirs =
        ((BpeTokenizer)
                TokenizerFile.load(HuggingFaceTokenizerTest.folder(name).resolve("tokenizer.json")))
            .parts();
    BpeTrainer trainer = new BpeTrainer(theirs.preTokenizer());
    String text = Files.readString(TEXT).substring(0, CHARACTERS);
    for (int from = 0; from < CHARACTERS; from += DOCUMENT) {
      trainer.add(text.substring(from, from + DOCUMENT));
      trainer.endDocument();
    }
    BpeDefinition ours =
        trainer.train(512, theirs.added().stream().map(token -> token.content()).toList());
    assertThat(ours.tokens()).isEqualTo(theirs.tokens());
    assertThat(ours.merges()).isEqualTo(theirs.merges());
    assertThat(ours.added()).isEqualTo(theirs.added());
  }
}
