package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files that Hugging Face's tokenizers 0.23.2 wrote, and {@code cases.json} beside each: texts with
 * the tokens that it gave them. Special tokens in a text are recognised there.
 */
class HuggingFaceTokenizerTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  static Path folder(String name) {
    return Path.of("src/test/resources/tokenizers", name);
  }

  private static Tokenizer load(String name) throws IOException {
    return TokenizerFile.load(folder(name).resolve("tokenizer.json"));
  }

  private static int[] ids(JsonNode example) {
    return IntStream.range(0, example.path("ids").size())
        .map(i -> example.path("ids").get(i).intValue())
        .toArray();
  }

  private static int[] encode(TokenEncoder encoder, String... pieces) {
    IntStream.Builder tokens = IntStream.builder();
    for (String piece : pieces) {
      IntStream.of(encoder.accept(piece)).forEach(tokens);
    }
    IntStream.of(encoder.finish()).forEach(tokens);
    return tokens.build().toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama3", "qwen2"})
  void givesTheTokensOfHuggingFace(String name) throws IOException {
    Tokenizer tokenizer = load(name);
    assertThat(tokenizer.vocab()).isEqualTo(512);
    JsonNode cases = JSON.readTree(folder(name).resolve("cases.json").toFile());
    assertThat(cases).hasSize(18);
    for (JsonNode example : cases) {
      String text = example.path("text").textValue();
      int[] ids = ids(example);
      assertThat(encode(tokenizer.specialEncoder(), text)).as(text).containsExactly(ids);
      assertThat(tokenizer.decode(ids)).isEqualTo(example.path("decoded").textValue());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama3", "qwen2"})
  void piecesGiveTheTokensOfTheWhole(String name) throws IOException {
    Tokenizer tokenizer = load(name);
    for (JsonNode example : JSON.readTree(folder(name).resolve("cases.json").toFile())) {
      String text = example.path("text").textValue();
      for (int cut = 0; cut < text.length(); cut++) {
        if (cut > 0 && Character.isLowSurrogate(text.charAt(cut))) {
          continue;
        }
        int[] tokens =
            encode(tokenizer.specialEncoder(), text.substring(0, cut), text.substring(cut));
        assertThat(tokens).as("%s cut at %d", text, cut).containsExactly(ids(example));
      }
      String[] characters = text.codePoints().mapToObj(Character::toString).toArray(String[]::new);
      assertThat(encode(tokenizer.specialEncoder(), characters)).containsExactly(ids(example));
    }
  }

  @Test
  void aTokenIsDecodedWhenItsCharacterIsComplete() throws IOException {
    Tokenizer tokenizer = load("qwen2");
    TokenDecoder decoder = tokenizer.decoder();
    StringBuilder text = new StringBuilder();
    for (int token : tokenizer.encode("né 🍕<|im_end|>")) {
      text.append(decoder.accept(token));
      assertThat(text.toString()).doesNotContain("\uFFFD");
    }
    assertThat(text.append(decoder.finish()).toString()).isEqualTo("né 🍕<|im_end|>");
  }

  @Test
  void specialTokensAreOrdinaryTextUnlessRequested() throws IOException {
    Tokenizer tokenizer = load("gpt2");
    int[] ordinary = tokenizer.encode("a<|endoftext|>b");
    assertThat(ordinary).hasSizeGreaterThan(3).doesNotContain(0);
    assertThat(tokenizer.decode(ordinary)).isEqualTo("a<|endoftext|>b");
    assertThat(encode(tokenizer.specialEncoder(), "a<|endoftext|>b")).hasSize(3).contains(0);
    assertThat(encode(tokenizer.specialEncoder(), "a<|endof", "<|endoftext|><|"))
        .containsOnlyOnce(0);
  }

  @Test
  void theTokenBetweenDocumentsIsFoundByItsName() throws IOException {
    assertThat(load("gpt2").endOfText()).isEqualTo(OptionalInt.of(0));
    assertThat(load("llama3").endOfText()).isEqualTo(OptionalInt.of(1));
    assertThat(load("qwen2").endOfText()).isEqualTo(OptionalInt.of(0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama3", "qwen2"})
  void writesWhatHuggingFaceWrites(String name) throws IOException {
    Path file = directory.resolve("tokenizer.json");
    Tokenizer tokenizer = load(name);
    TokenizerFile.save(tokenizer, file);
    assertThat(JSON.readTree(file.toFile()))
        .isEqualTo(JSON.readTree(folder(name).resolve("tokenizer.json").toFile()));
    assertThat(TokenizerFile.load(file)).isEqualTo(tokenizer).hasSameHashCodeAs(tokenizer);
    assertThat(tokenizer).hasToString("bpe (512 tokens)");
  }

  @Test
  void readsMergesOfOlderFiles() throws IOException {
    ObjectNode json = content("llama3");
    ObjectNode model = (ObjectNode) json.path("model");
    JsonNode pairs = model.path("merges");
    model.remove("type");
    for (JsonNode pair : model.putArray("merges").addAll(strings(pairs))) {
      assertThat(pair.isTextual()).isTrue();
    }
    assertThat(read(json)).isEqualTo(load("llama3"));
  }

  private static com.fasterxml.jackson.databind.node.ArrayNode strings(JsonNode pairs) {
    com.fasterxml.jackson.databind.node.ArrayNode strings = JSON.createArrayNode();
    pairs.forEach(pair -> strings.add(pair.get(0).asText() + " " + pair.get(1).asText()));
    return strings;
  }

  @Test
  void wordsThatAreTokensNeedNoMerges() throws IOException {
    ObjectNode json = content("gpt2");
    ((ObjectNode) json.path("model").path("vocab")).put("Ġzyx", 512);
    assertThat(read(json).encode(" zyx")).hasSize(4);
    ((ObjectNode) json.path("model")).put("ignore_merges", true);
    assertThat(read(json).encode(" zyx zyxw")).startsWith(512).hasSize(6);
  }

  @Test
  void composesCharactersIfTheFileSaysSo() throws IOException {
    ObjectNode json = content("qwen2");
    json.putObject("normalizer").put("type", "NFC");
    Tokenizer composing = read(json);
    String apart = "cafe\u0301 e\u0301\u0323a\u0308";
    String text = composing.decode(composing.encode(apart));
    assertThat(text).isEqualTo("café \u1EB9\u0301ä");
    String[] characters = apart.codePoints().mapToObj(Character::toString).toArray(String[]::new);
    assertThat(encode(composing.encoder(), characters)).containsExactly(composing.encode(apart));
    Path file = directory.resolve("nfc.json");
    TokenizerFile.save(composing, file);
    assertThat(TokenizerFile.load(file)).isEqualTo(composing).isNotEqualTo(load("qwen2"));
  }

  @Test
  void digitsApartAsInSmolLm() throws IOException {
    ObjectNode json = content("gpt2");
    ObjectNode sequence = json.putObject("pre_tokenizer").put("type", "Sequence");
    var parts = sequence.putArray("pretokenizers");
    parts.addObject().put("type", "Digits").put("individual_digits", true);
    parts.add(content("gpt2").path("pre_tokenizer"));
    BpeTokenizer tokenizer = (BpeTokenizer) read(json);
    assertThat(tokenizer.parts().preTokenizer().label()).isEqualTo("smollm");
    assertThat(tokenizer.encode("a  12"))
        .containsExactly(
            load("gpt2").encode("a").length == 1 ? tokenizer.encode("a")[0] : -1,
            tokenizer.encode(" ")[0],
            tokenizer.encode(" ")[0],
            tokenizer.encode("1")[0],
            tokenizer.encode("2")[0]);
    Path file = directory.resolve("smollm.json");
    TokenizerFile.save(tokenizer, file);
    assertThat(TokenizerFile.load(file)).isEqualTo(tokenizer);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      value = {
        "/model/type ; \"Unigram\" ; its model is Unigram: only byte-level BPE is known",
        "/model/byte_fallback ; true ; its \"byte_fallback\" is true: only byte-level BPE is known",
        "/model/end_of_word_suffix ; \"</w>\" ; its \"end_of_word_suffix\" is not known",
        "/model/vocab ; [] ; its \"vocab\" must be an object of tokens and their numbers",
        "/model/vocab/! ; -1 ; the number of its token \"!\" must be from 0 to 16777215, not -1",
        "/model/vocab/! ; 1.5 ; the number of its token \"!\" must be from 0 to 16777215, not 1.5",
        "/model/vocab/! ; 2 ; two tokens have the number 2",
        "/model/vocab/日 ; 600 ; token 600, \"日\", is not in GPT-2's byte alphabet",
        "/model/merges ; {} ; its \"merges\" must be a list",
        "/model/merges ; [[\"q\", \"q\"]] ; merge 0, of \"q\" and \"q\", is of tokens that its vocabulary lacks",
        "/model/merges ; [\"q\"] ; merge 0 is not a pair of tokens",
        "/decoder ; null ; its decoder is none: only ByteLevel is known",
        "/normalizer ; {\"type\": \"Lowercase\"} ; its normalizer is Lowercase: only NFC is known",
        "/pre_tokenizer ; {\"type\": \"Metaspace\"} ; its pre-tokenizer {\"type\":\"Metaspace\"} is not known: those of [gpt2, llama3, qwen2, smollm] are",
        "/added_tokens/0/lstrip ; true ; the \"lstrip\" of its token \"<|endoftext|>\" is not known",
        "/added_tokens/0/content ; \"\" ; one of its \"added_tokens\" has no content",
      })
  void unknownFeaturesAreReportedInOneLine(String place, String value, String fault)
      throws IOException {
    ObjectNode json = content("gpt2");
    int end = place.lastIndexOf('/');
    ((ObjectNode) json.at(place.substring(0, end)))
        .set(place.substring(end + 1), JSON.readTree(value));
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessage("%s is not a tokenizer: %s", directory.resolve("other.json"), fault);
  }

  @Test
  void everyByteNeedsAToken() throws IOException {
    ObjectNode json = content("gpt2");
    ((ObjectNode) json.at("/model/vocab")).remove("~");
    ((ObjectNode) json.at("/model")).putArray("merges");
    assertThatThrownBy(() -> read(json)).hasMessageEndingWith("no token for byte 126");
  }

  private static ObjectNode content(String name) throws IOException {
    return (ObjectNode) JSON.readTree(folder(name).resolve("tokenizer.json").toFile());
  }

  private Tokenizer read(JsonNode json) throws IOException {
    Path file = Files.writeString(directory.resolve("other.json"), json.toString());
    return TokenizerFile.load(file);
  }
}
