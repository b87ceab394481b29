package dev.culebra.pretrained;

import static dev.culebra.pretrained.PretrainedContract.folder;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.culebra.backend.Activation;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.ModelFixture;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Positions;
import dev.culebra.options.Options;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ModelWriterTest {
  private static final int[] TOKENS = {1, 5, 2, 7, 3, 3, 0, 4};
  private static final GptConfig SMALL =
      new GptConfig(2, 4, 32, 8, 11, 0, false, true, Activation.GELU_TANH);

  @TempDir Path directory;
  private final CpuBackend backend = new CpuBackend(1);

  @AfterEach
  void nothingLeaks() {
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  private Path write(Gpt model, ModelFormat format, DType dtype) throws IOException {
    Path file = ModelWriter.write(model, format, dtype, directory, OptionalInt.of(0), List.of(0));
    return format == ModelFormat.HF ? directory : file;
  }

  private static Map<String, float[]> parameters(Gpt model) {
    Map<String, float[]> values = new LinkedHashMap<>();
    for (Parameter parameter : model.parameters().list()) {
      float[] all = model.backend().readFloatsBlocking(parameter.value());
      values.put(parameter.name(), Arrays.copyOf(all, (int) parameter.savedShape().elements()));
    }
    return values;
  }

  private float[] logits(Gpt model) {
    model.eval();
    model.planInference(1, TOKENS.length);
    model.load(MemorySegment.ofArray(TOKENS), null);
    return backend.readFloatsBlocking(model.forward());
  }

  private static void assertSame(Map<String, float[]> found, Map<String, float[]> expected) {
    assertThat(found).containsOnlyKeys(expected.keySet());
    expected.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
  }

  /** Names, order, types, shapes and bits match transformers. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-f32,F32",
    "gpt2-bf16,BF16",
    "llama-tied-f32,F32",
    "llama-untied-bf16,BF16",
    "llama3-rope-f32,F32",
    "qwen2-f32,F32",
    "qwen3-f32,F32"
  })
  void aFixtureComesOutAsItWentIn(String name, DType dtype) throws IOException {
    try (Gpt model = PretrainedContract.load(folder(name), backend)) {
      write(model, ModelFormat.HF, dtype);
    }
    Path original = folder(name).resolve("model.safetensors");
    Path written = directory.resolve("model.safetensors");
    try (Safetensors expected = Safetensors.open(original);
        Safetensors found = Safetensors.open(written)) {
      assertThat(List.copyOf(found.names())).isEqualTo(List.copyOf(expected.names()));
      for (String tensor : expected.names()) {
        assertThat(found.place(tensor).dtype()).isEqualTo(expected.place(tensor).dtype());
        assertThat(found.place(tensor).dims()).isEqualTo(expected.place(tensor).dims());
      }
      assertThat(found.metadata()).containsEntry("format", "pt");
      assertThat(data(written, found.dataBytes())).isEqualTo(data(original, expected.dataBytes()));
    }
    assertThat(described(directory)).isEqualTo(described(folder(name)));
    for (String field : List.of("architectures", "dtype", "bos_token_id", "eos_token_id")) {
      assertThat(json(directory).path(field)).isEqualTo(json(folder(name)).path(field));
    }
  }

  /** All that a configuration says of a model, but for where it says so. */
  private static String described(Path folder) throws IOException {
    ModelDescription description = HuggingFaceConfig.read(folder);
    return description.toString().replace(description.file().toString(), "");
  }

  private static byte[] data(Path file, long bytes) throws IOException {
    byte[] all = Files.readAllBytes(file);
    return Arrays.copyOfRange(all, all.length - (int) bytes, all.length);
  }

  private static JsonNode json(Path folder) throws IOException {
    return new ObjectMapper().readTree(folder.resolve("config.json").toFile());
  }

  @ParameterizedTest
  @CsvSource({"gpt2-f32,F32", "gpt2-bf16,BF16"})
  void aCheckpointOfLlmCIsReadBackToTheBit(String name, DType dtype) throws IOException {
    try (Gpt model = PretrainedContract.load(folder(name), backend)) {
      Path file = write(model, ModelFormat.LLMC, dtype);
      try (Gpt again = PretrainedContract.load(file, backend)) {
        assertSame(parameters(again), parameters(model));
        assertThat(again.config()).isEqualTo(model.config());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ModelFormat.class)
  void aModelWithoutBiasesGetsOnesThatChangeNothing(ModelFormat format) throws IOException {
    try (Gpt model = new Gpt(SMALL, backend, 1);
        Gpt again = PretrainedContract.load(write(model, format, DType.F32), backend)) {
      assertThat(again.config()).isEqualTo(SMALL.with(GptConfig.BIAS, true));
      parameters(model)
          .forEach((name, values) -> assertThat(parameters(again).get(name)).isEqualTo(values));
      assertThat(logits(again)).isEqualTo(logits(model));
    }
  }

  @ParameterizedTest
  @CsvSource({"true,0", "true,2", "false,2"})
  void rotaryPositionsAreLlama(boolean tied, int kvHeads) throws IOException {
    GptConfig llama =
        SMALL.with(
            GptConfig.LLAMA.with(GptConfig.TIED_HEAD, tied).with(GptConfig.KV_HEADS, kvHeads));
    try (Gpt model = new Gpt(llama, backend, 1);
        Gpt again = PretrainedContract.load(write(model, ModelFormat.HF, DType.F32), backend)) {
      assertThat(again.config()).isEqualTo(llama);
      assertSame(parameters(again), parameters(model));
      assertThat(logits(again)).isEqualTo(logits(model));
    }
    assertThat(json(directory).path("architectures").path(0).asText())
        .isEqualTo("LlamaForCausalLM");
  }

  static List<Options> biases() {
    Options scaled = GptConfig.LLAMA.with(GptConfig.QK_NORM, true).with(GptConfig.QK_SCALE, true);
    return List.of(
        GptConfig.LLAMA.with(GptConfig.BIAS, true),
        GptConfig.LLAMA.with(GptConfig.ATTENTION_BIAS, true),
        GptConfig.LLAMA.with(GptConfig.QKV_BIAS, true),
        scaled.with(GptConfig.ATTENTION_BIAS, true));
  }

  /** {@code attention_bias} and {@code mlp_bias} of Llama, Qwen2's biases, those of Qwen3. */
  @ParameterizedTest
  @MethodSource("biases")
  void biasesComeBackWhereTheyWere(Options options) throws IOException {
    try (Gpt model = new Gpt(SMALL.with(options), backend, 1)) {
      ModelFixture.enliven(model);
      try (Gpt again = PretrainedContract.load(write(model, ModelFormat.HF, DType.F32), backend)) {
        assertThat(again.config()).isEqualTo(model.config());
        assertSame(parameters(again), parameters(model));
        assertThat(logits(again)).isEqualTo(logits(model));
      }
    }
  }

  /** As many layers as the fixture. */
  @Test
  void theNamesOfLlamaAreThoseOfTransformers() throws IOException {
    GptConfig llama =
        SMALL.with(
            GptConfig.LLAMA
                .with(GptConfig.LAYERS, 3)
                .with(GptConfig.TIED_HEAD, true)
                .with(GptConfig.KV_HEADS, 2));
    try (Gpt model = new Gpt(llama, backend, 1)) {
      write(model, ModelFormat.HF, DType.BF16);
    }
    try (Safetensors expected =
            Safetensors.open(folder("llama-tied-f32").resolve("model.safetensors"));
        Safetensors found = Safetensors.open(directory.resolve("model.safetensors"))) {
      assertThat(List.copyOf(found.names())).isEqualTo(List.copyOf(expected.names()));
    }
    assertThat(json(directory).path("dtype").asText()).isEqualTo("bfloat16");
  }

  @Test
  void modelsThatTheFormatCannotExpressAreRefusedWithTheReason() {
    assertRefused(
        ModelFormat.HF,
        Options.NONE.with(GptConfig.SOFTCAP, 15f).with(GptConfig.QK_NORM, true),
        "transformers cannot express a GPT-2 model with softcap 15, qkNorm true");
    assertRefused(
        ModelFormat.HF,
        Options.NONE.with(GptConfig.ACTIVATION, Activation.RELU_SQUARED),
        "transformers cannot express a GPT-2 model with activation relu_squared");
    assertRefused(
        ModelFormat.HF,
        Options.NONE.with(GptConfig.NORM, Normalization.RMS).with(GptConfig.GATED_MLP, true),
        "transformers cannot express a GPT-2 model with norm rms, gatedMlp true");
    assertRefused(
        ModelFormat.HF,
        Options.NONE.with(GptConfig.POSITIONS, Positions.ROTARY).with(GptConfig.BIAS, true),
        "transformers cannot express a Llama model with norm layer, gatedMlp false");
    assertRefused(
        ModelFormat.HF,
        GptConfig.LLAMA
            .with(GptConfig.BIAS, true)
            .with(GptConfig.QK_NORM, true)
            .with(GptConfig.QK_SCALE, true),
        "transformers cannot express a Qwen3 model with bias true");
    assertRefused(
        ModelFormat.LLMC,
        Options.NONE
            .with(GptConfig.TIED_HEAD, false)
            .with(GptConfig.ACTIVATION, Activation.GELU_ERF),
        "llm.c cannot express a GPT-2 model with tiedHead false, activation gelu_erf");
    assertRefused(
        ModelFormat.LLMC,
        GptConfig.LLAMA,
        "llm.c cannot express a Llama model with positions rotary.*");
  }

  private void assertRefused(ModelFormat format, Options options, String line) {
    try (Gpt model = new Gpt(SMALL.with(options), backend, 1)) {
      assertThatThrownBy(() -> write(model, format, DType.F32)).hasMessageMatching(line);
      assertThat(directory).isEmptyDirectory();
    }
  }
}
