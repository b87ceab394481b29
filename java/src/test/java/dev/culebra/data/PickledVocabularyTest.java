package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.CharTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Pickles as Python 3.13 wrote them of {@code {'vocab_size': 5, 'itos': {0: '\n', …}, 'stoi': …}}.
 */
class PickledVocabularyTest {
  private static final String PROTOCOL_2 =
      "80027d710028580a000000766f6361625f73697a6571014b05580400000069746f7371027d7103284b00580100"
          + "00000a71044b0158010000002071054b0258010000006171064b035802000000c3a971074b045804000000"
          + "f09f908d710875580400000073746f6971097d710a2868044b0068054b0168064b0268074b0368084b0475"
          + "752e";
  private static final String PROTOCOL_4 =
      "80049560000000000000007d94288c0a766f6361625f73697a65944b058c0469746f73947d94284b008c010a94"
          + "4b018c0120944b028c0161944b038c02c3a9944b048c04f09f908d94758c0473746f69947d942868044b00"
          + "68054b0168064b0268074b0368084b0475752e";

  @TempDir Path directory;

  private Path file(byte[] bytes) throws IOException {
    return Files.write(directory.resolve("meta.pkl"), bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {PROTOCOL_2, PROTOCOL_4})
  void theCharactersAreRead(String pickle) throws IOException {
    assertThat(PickledVocabulary.read(file(HexFormat.of().parseHex(pickle))))
        .isEqualTo(CharTokenizer.ofVocabulary('\n', ' ', 'a', 'é', 0x1F40D));
  }

  /** Tokens 1 0, 2 3 4 of these characters. */
  @Test
  void aFolderOfNanoGptIsReadWithItsCharacters() throws IOException {
    file(HexFormat.of().parseHex(PROTOCOL_4));
    Files.write(directory.resolve("train.bin"), new byte[] {1, 0, 0, 0});
    Files.write(directory.resolve("val.bin"), new byte[] {2, 0, 3, 0, 4, 0});
    Corpora corpora = new Corpora(directory.resolve("cache"));
    try (Corpus corpus = corpora.open(DataSpec.of(directory.toString()), TokenizerChoice.GPT2)) {
      assertThat(corpus.tokenizer().vocab()).isEqualTo(5);
      int[] validation = new int[3];
      corpus.validation().copy(0, 3, validation, 0);
      assertThat(corpus.tokenizer().decode(validation)).isEqualTo("aé🐍");
    }
  }

  /** Among them {@code {'itos': os.getcwd}}: it is not called, nor looked for. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "8004951e000000000000007d948c0469746f73948c05706f736978948c06676574637764949394732e"
            + " | instruction 0x93 at byte 37 is not supported",
        "80027d71002e | it has no dictionary \"itos\"",
        "80047d8c0469746f737d4b008c02616273732e | its token 0 is not one character",
        "80047d8c0469746f737d4b018c0161732e | it has no dictionary \"itos\"",
        "80047d8c0469746f737d4b018c016173732e | its token 0 is not one character",
        "80047d8c0469746f737d284b008c01614b018c0161757332e2 | instruction 0x32 at byte 23 is not supported",
        "80047d8c0469746f737d284b008c01614b018c016175732e"
            + " | character U+0061 occurs twice in the vocabulary",
        "80047d9428680068006875 | it is damaged at byte 11",
        "80047d94286800680075 | a name in it is neither a text nor a number",
        "80048cff61 | it is cut off",
        "75 | it is damaged at byte 1",
        "6805 | it is damaged at byte 2",
        "58ffffffff | it is cut off",
      })
  void everythingElseIsRefused(String pickle, String fault) throws IOException {
    Path file = file(HexFormat.of().parseHex(pickle));
    assertThatThrownBy(() -> PickledVocabulary.read(file))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s is not what nanoGPT writes beside its tokens: %s; a tokenizer.json can take its"
                + " place",
            file, fault);
  }

  @Test
  void anyDamageIsReportedInOneLine() throws IOException {
    byte[] whole = HexFormat.of().parseHex(PROTOCOL_4);
    for (int length = 0; length < whole.length; length++) {
      Path file = file(Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> PickledVocabulary.read(file)).isInstanceOf(DataException.class);
    }
    for (int place = 0; place < whole.length; place++) {
      byte[] damaged = whole.clone();
      damaged[place] ^= 0x41;
      Path file = file(damaged);
      try {
        PickledVocabulary.read(file); // another vocabulary
      } catch (DataException e) {
        assertThat(e).hasMessageStartingWith(file + " is not what nanoGPT writes");
      }
    }
  }
}
