package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.data.DataException;
import dev.culebra.generate.Generator;
import dev.culebra.text.Gpt2Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is at a path, and what it is opened as. */
class PretrainedFilesTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final Path MODEL = Path.of("src/test/resources/models/gpt2-f32");
  private static final Path TOKENIZER = Path.of("src/test/resources/tokenizers/gpt2");

  @TempDir Path directory;
  private Path folder;

  @BeforeEach
  void copy() throws IOException {
    folder = Files.createDirectory(directory.resolve("model"));
    try (Stream<Path> files = Files.list(MODEL)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    Files.copy(TOKENIZER.resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
  }

  private void change(String name, Consumer<ObjectNode> change) throws IOException {
    Path file = folder.resolve(name);
    ObjectNode json =
        Files.exists(file)
            ? (ObjectNode) JSON.readTree(Files.readAllBytes(file))
            : JSON.createObjectNode();
    change.accept(json);
    Files.writeString(file, json.toString());
  }

  @Test
  void aFolderIsAModelWithATokenizerAndWritesWhatTransformersWrites() throws IOException {
    JsonNode reference = JSON.readTree(Files.readAllBytes(folder.resolve("reference.json")));
    int[] prompt = ints(reference.path("greedy_prompt"));
    int[] expected = ints(reference.path("greedy"));
    try (TrainedModel trained = TrainedModel.open(folder, DeviceConfig.CPU);
        Generator generator = new Generator(trained.model())) {
      int[] tokens =
          generator.generate(prompt, expected.length - prompt.length, new SamplingSpec(0, 0, 1), 1);
      assertThat(IntStream.concat(IntStream.of(prompt), IntStream.of(tokens)).toArray())
          .containsExactly(expected);
      assertThat(trained.tokenizer().vocab()).isEqualTo(512);
      assertThat(trained.conventions().ends()).containsExactly(0);
      assertThat(trained.config().model().layers()).isEqualTo(3);
    }
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }

  @Test
  void endsAreThoseOfGenerationAndTheTokenBetweenDocuments() throws IOException {
    change("generation_config.json", json -> json.putArray("eos_token_id").add(7).add(9));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.conventions().ends()).containsExactly(7, 9, 0);
    }
    change("generation_config.json", json -> json.remove("eos_token_id"));
    change("config.json", json -> json.put("eos_token_id", 5));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.conventions().ends()).containsExactly(5, 0);
    }
    change("generation_config.json", json -> json.put("eos_token_id", 512));
    assertThatThrownBy(() -> ModelFiles.open(folder))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s names token 512, but the tokenizer has 512 tokens",
            folder.resolve("generation_config.json"));
  }

  @Test
  void aPromptBeginsAsTheFilesSay() throws IOException {
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.conventions().start(files.tokenizer())).containsExactly(0);
      assertThat(files.conventions().prompt(new int[] {3})).containsExactly(3);
    }
    change("tokenizer.json", PretrainedFilesTest::beginWithASpecialToken);
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.conventions().prompt(new int[] {3})).containsExactly(0, 3);
      assertThat(files.conventions().prompt(new int[] {0, 3})).containsExactly(0, 3);
      assertThat(files.conventions().shown(new int[] {0, 70}, files.tokenizer()))
          .isEqualTo(files.tokenizer().decode(70));
    }
    change("tokenizer_config.json", json -> json.put("add_bos_token", false));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.conventions().prompt(new int[] {3})).containsExactly(3);
    }
  }

  @Test
  void aTokenOrTemplateThatIsNullIsNone() throws IOException {
    change("tokenizer_config.json", json -> json.putNull("bos_token").putNull("chat_template"));
    change("generation_config.json", json -> json.remove("bos_token_id"));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.conventions().beginning()).isEmpty();
      assertThat(files.conventions().chatTemplate()).isEmpty();
    }
    Files.writeString(folder.resolve("chat_template.jinja"), "{{ messages }}");
    change("tokenizer_config.json", json -> json.putObject("bos_token").put("content", "he"));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.conventions().beginning()).hasValue(files.tokenizer().encode("he")[0]);
      assertThat(files.conventions().chatTemplate()).isEqualTo("{{ messages }}");
    }
  }

  /** As Llama 3's files do. */
  private static void beginWithASpecialToken(ObjectNode json) {
    ObjectNode sequence = json.putObject("post_processor").put("type", "Sequence");
    ObjectNode template = sequence.putArray("processors").addObject();
    template
        .put("type", "TemplateProcessing")
        .putArray("single")
        .addObject()
        .putObject("SpecialToken");
  }

  @Test
  void rowsWithoutATokenAreLeftOut() throws IOException {
    change(
        "tokenizer.json",
        json -> {
          ObjectNode model = (ObjectNode) json.get("model");
          ((ObjectNode) model.get("vocab")).remove(lastToken(model.get("vocab")));
          ((com.fasterxml.jackson.databind.node.ArrayNode) model.get("merges")).remove(254);
        });
    try (TrainedModel trained = TrainedModel.open(folder, DeviceConfig.CPU)) {
      assertThat(trained.model().vocab()).isEqualTo(511);
    }
  }

  private static String lastToken(JsonNode vocabulary) {
    return vocabulary.properties().stream()
        .filter(entry -> entry.getValue().intValue() == 511)
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  @Test
  void moreTokensThanRowsAreRefused() throws IOException {
    change("config.json", json -> json.put("vocab_size", 500));
    assertThatThrownBy(() -> ModelFiles.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("%s: the tokenizer has 512 tokens, but the model knows only 500", folder);
  }

  @Test
  void missingTensorsAreFoundBeforeMemoryIsAllocated() throws IOException {
    change("config.json", json -> json.put("n_layer", 9000));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThatThrownBy(files::requireSound)
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("has no tensor h.8999.ln_2.weight, which should be (64)");
    }
  }

  @Test
  void aFolderWithoutATokenizerIsRefusedUnlessItsVocabularyIsGpt2s() throws IOException {
    Files.delete(folder.resolve("tokenizer.json"));
    assertThatThrownBy(() -> ModelFiles.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "%s holds no tokenizer: put its tokenizer.json, or its vocab.json and merges.txt, there",
            folder);
    change("config.json", json -> json.put("vocab_size", 50257));
    change("generation_config.json", json -> json.put("eos_token_id", 50256));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.tokenizer()).isEqualTo(new Gpt2Tokenizer());
    }
  }

  @Test
  void filesThatAreNotModelsAreReportedInOneLine() throws IOException {
    Path gone = directory.resolve("gone");
    assertThatThrownBy(() -> ModelFiles.open(gone))
        .hasMessage("no such run directory or model: %s", gone);
    Path weights = folder.resolve("model.safetensors");
    assertThatThrownBy(() -> ModelFiles.open(weights))
        .hasMessage("%s: give its folder instead, which must also hold its config.json", weights);
    Files.delete(folder.resolve("config.json"));
    assertThatThrownBy(() -> ModelFiles.open(folder))
        .hasMessageStartingWith("cannot read " + folder.resolve("config.json"));
    Path nano = Files.createFile(directory.resolve("ckpt.pt"));
    assertThatThrownBy(() -> ModelFiles.open(directory))
        .hasMessageStartingWith(
            nano + " is a PyTorch pickle, which cannot be read; to convert it: ")
        .hasMessageContaining("c['model_args']");
    assertThatThrownBy(() -> ModelFiles.open(nano))
        .hasMessageStartingWith(nano + " is a PyTorch pickle");
  }

  @Test
  void aRunDirectoryIsOpenedAsARun() throws IOException {
    change("config.json", json -> json.removeAll().put("preset", "nano"));
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files).isInstanceOf(RunFiles.class);
    }
  }
}
