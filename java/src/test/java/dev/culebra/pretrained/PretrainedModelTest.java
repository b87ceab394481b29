package dev.culebra.pretrained;

import static dev.culebra.pretrained.PretrainedContract.folder;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.backend.Activation;
import dev.culebra.backend.RopeScaling;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.checkpoint.SafetensorsWriter;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Parameter;
import dev.culebra.options.Options;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folders and files in every form, from the tensors of a fixture or of a model of our own. */
class PretrainedModelTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A tensor of a test. */
  private record Values(int[] dims, float[] values) {}

  @TempDir Path directory;
  private final CpuBackend backend = new CpuBackend(1);

  @AfterEach
  void nothingLeaks() {
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  private Map<String, float[]> parameters(Path path) throws IOException {
    try (Gpt model = PretrainedContract.load(path, backend)) {
      return parameters(model);
    }
  }

  private static Map<String, float[]> parameters(Gpt model) {
    Map<String, float[]> values = new HashMap<>();
    for (Parameter parameter : model.parameters().list()) {
      float[] all = model.backend().readFloatsBlocking(parameter.value());
      int saved = (int) parameter.savedShape().elements();
      values.put(parameter.name(), Arrays.copyOf(all, saved));
    }
    return values;
  }

  /** The tensors of a fixture in single precision. */
  private static Map<String, Values> tensors(Path folder) throws IOException {
    Map<String, Values> tensors = new LinkedHashMap<>();
    try (Safetensors file = Safetensors.open(folder.resolve("model.safetensors"))) {
      for (String name : file.names()) {
        int[] dims = file.place(name).dims().stream().mapToInt(i -> i).toArray();
        MemorySegment segment = file.tensor(name, DType.F32, Shape.of(dims));
        tensors.put(name, new Values(dims, segment.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)));
      }
    }
    return tensors;
  }

  private static void write(Path file, Map<String, Values> tensors) throws IOException {
    List<SafetensorsWriter.Item> items = new ArrayList<>();
    tensors.forEach(
        (name, tensor) ->
            items.add(
                new SafetensorsWriter.Item(
                    name,
                    DType.F32,
                    Shape.of(tensor.dims()),
                    (piece, offset) ->
                        MemorySegment.copy(
                            MemorySegment.ofArray(tensor.values()),
                            offset,
                            piece,
                            0,
                            piece.byteSize()))));
    SafetensorsWriter.write(file, items, Map.of());
  }

  private Path copyOf(String fixture, UnaryOperator<Map<String, Values>> change)
      throws IOException {
    Files.copy(folder(fixture).resolve("config.json"), directory.resolve("config.json"));
    write(directory.resolve("model.safetensors"), change.apply(tensors(folder(fixture))));
    return directory;
  }

  private void assertSame(Map<String, float[]> found, Map<String, float[]> expected) {
    assertThat(found).containsOnlyKeys(expected.keySet());
    expected.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
  }

  @Test
  void shardsAreFoundByTheirIndex() throws IOException {
    Map<String, Values> all = tensors(folder("gpt2-f32"));
    Map<String, Values> first = new LinkedHashMap<>();
    Map<String, Values> second = new LinkedHashMap<>();
    ObjectNode index = JSON.createObjectNode();
    ObjectNode map = index.putObject("weight_map");
    all.forEach(
        (name, values) -> {
          boolean isFirst = first.size() < all.size() / 2;
          (isFirst ? first : second).put(name, values);
          map.put(name, isFirst ? "model-1.safetensors" : "model-2.safetensors");
        });
    Files.copy(folder("gpt2-f32").resolve("config.json"), directory.resolve("config.json"));
    write(directory.resolve("model-1.safetensors"), first);
    write(directory.resolve("model-2.safetensors"), second);
    JSON.writeValue(directory.resolve("model.safetensors.index.json").toFile(), index);

    assertSame(parameters(directory), parameters(folder("gpt2-f32")));
    Files.delete(directory.resolve("model-2.safetensors"));
    assertThatThrownBy(() -> PretrainedModel.open(directory))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("cannot read " + directory.resolve("model-2.safetensors"));
  }

  @Test
  void wrappersPrefixesMasksAndATiedHeadChangeNothing() throws IOException {
    Path folder =
        copyOf(
            "gpt2-f32",
            tensors -> {
              Map<String, Values> other = new LinkedHashMap<>();
              tensors.forEach((name, values) -> other.put("_orig_mod." + name, values));
              other.put("lm_head.weight", tensors.get("transformer.wte.weight"));
              Values one = new Values(new int[] {1, 1, 2, 2}, new float[4]);
              other.put("_orig_mod.transformer.h.0.attn.bias", one);
              other.put(
                  "transformer.h.1.attn.masked_bias", new Values(new int[] {1}, new float[1]));
              return other;
            });

    assertSame(parameters(folder), parameters(folder("gpt2-f32")));
  }

  /** GPT-2's own upload has names without any prefix. */
  @Test
  void namesNeedNoPrefix() throws IOException {
    Path folder =
        copyOf(
            "gpt2-f32",
            tensors -> {
              Map<String, Values> other = new LinkedHashMap<>();
              tensors.forEach(
                  (name, values) -> other.put(name.replace("transformer.", ""), values));
              return other;
            });

    assertSame(parameters(folder), parameters(folder("gpt2-f32")));
  }

  @Test
  void tensorsThatDoNotFitAreNamed() throws IOException {
    String name = "transformer.h.1.attn.c_attn.weight";
    Path folder =
        copyOf(
            "gpt2-f32",
            tensors -> {
              float[] values = tensors.get(name).values();
              tensors.put(name, new Values(new int[] {192, 64}, values));
              return tensors;
            });
    assertThatThrownBy(() -> parameters(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "%s: tensor %s is (192, 64), but should be (64, 192)",
            folder.resolve("model.safetensors"), name);
  }

  @Test
  void missingAndUnknownTensorsAreNamed() throws IOException {
    String name = "transformer.ln_f.bias";
    Path folder =
        copyOf(
            "gpt2-f32",
            tensors -> {
              tensors.remove(name);
              return tensors;
            });
    assertThatThrownBy(() -> parameters(folder))
        .hasMessage("%s has no tensor ln_f.bias, which should be (64)", folder);
    Map<String, Values> tensors = tensors(folder("gpt2-f32"));
    tensors.put("score.weight", new Values(new int[] {2}, new float[2]));
    write(folder.resolve("model.safetensors"), tensors);
    assertThatThrownBy(() -> parameters(folder))
        .hasMessage("%s contains score.weight, which a gpt2 model does not have", folder);
  }

  /** The names of a model of our own, as transformers calls those of Llama. */
  @Test
  void llamasWeightsFindTheirPlaces() throws IOException {
    GptConfig config =
        new GptConfig(2, 4, 24, 16, 40, 0, false, true, Activation.SILU)
            .with(GptConfig.LLAMA)
            .with(GptConfig.TIED_HEAD, true)
            .with(GptConfig.KV_HEADS, 2);
    Map<String, Values> tensors = new LinkedHashMap<>();
    Map<String, float[]> expected;
    try (Gpt model = new Gpt(config, backend, 3)) {
      expected = parameters(model);
    }
    int size = 24 / 4;
    put(tensors, "model.embed_tokens.weight", expected.get("wte.weight"), 0, 40, 24);
    put(tensors, "model.norm.weight", expected.get("ln_f.weight"), 0, 24);
    for (int layer = 0; layer < 2; layer++) {
      String ours = "h." + layer + ".";
      String theirs = "model.layers." + layer + ".";
      float[] qkv = expected.get(ours + "attn.c_attn.weight");
      put(tensors, theirs + "self_attn.q_proj.weight", qkv, 0, 24, 24);
      put(tensors, theirs + "self_attn.k_proj.weight", qkv, 24, 2 * size, 24);
      put(tensors, theirs + "self_attn.v_proj.weight", qkv, 24 + 2 * size, 2 * size, 24);
      float[] out = expected.get(ours + "attn.c_proj.weight");
      put(tensors, theirs + "self_attn.o_proj.weight", out, 0, 24, 24);
      float[] gates = expected.get(ours + "mlp.c_fc.weight");
      put(tensors, theirs + "mlp.gate_proj.weight", gates, 0, 64, 24);
      put(tensors, theirs + "mlp.up_proj.weight", gates, 64, 64, 24);
      float[] down = expected.get(ours + "mlp.c_proj.weight");
      put(tensors, theirs + "mlp.down_proj.weight", down, 0, 24, 64);
      float[] first = expected.get(ours + "ln_1.weight");
      put(tensors, theirs + "input_layernorm.weight", first, 0, 24);
      float[] second = expected.get(ours + "ln_2.weight");
      put(tensors, theirs + "post_attention_layernorm.weight", second, 0, 24);
      put(tensors, theirs + "self_attn.rotary_emb.inv_freq", new float[3], 0, 3);
    }
    write(directory.resolve("model.safetensors"), tensors);
    Files.writeString(
        directory.resolve("config.json"),
        """
        {"model_type": "llama", "hidden_size": 24, "num_attention_heads": 4,
         "num_key_value_heads": 2, "num_hidden_layers": 2, "intermediate_size": 64,
         "max_position_embeddings": 16, "vocab_size": 40, "tie_word_embeddings": true,
         "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_scaling": null,
         "eos_token_id": [2, 3]}
        """);
    try (PretrainedModel pretrained = PretrainedModel.open(directory)) {
      assertThat(pretrained.description().gptConfig()).isEqualTo(config);
      assertThat(pretrained.description().endTokens()).containsExactly(2, 3);
    }

    assertSame(parameters(directory), expected);
  }

  private static void put(
      Map<String, Values> tensors, String name, float[] values, int firstRow, int... dims) {
    int width = dims.length == 1 ? 1 : dims[1];
    int from = firstRow * width;
    float[] part = Arrays.copyOfRange(values, from, from + dims[0] * width);
    for (int i = 0; i < part.length; i++) {
      assertThat(values[from + i]).isEqualTo(part[i]);
    }
    tensors.put(name, new Values(dims, part));
  }

  @Test
  void everyTensorOfEveryArchitectureHasItsPlace() throws IOException {
    for (String name :
        List.of(
            "gpt2-f32",
            "llama-tied-f32",
            "llama-untied-bf16",
            "llama3-rope-f32",
            "qwen2-f32",
            "qwen3-f32")) {
      ModelDescription model = HuggingFaceConfig.read(folder(name));
      WeightNames names = new WeightNames(model, model.architecture() == Architecture.GPT2);
      Map<String, List<Integer>> stored = new HashMap<>();
      try (Safetensors file = Safetensors.open(folder(name).resolve("model.safetensors"))) {
        for (String tensor : file.names()) {
          stored.put(WeightNames.withoutPrefixes(tensor), file.place(tensor).dims());
        }
      }
      List<String> parameters = new ArrayList<>(List.of("wte.weight", "ln_f.weight"));
      if (!model.tiedHead()) {
        parameters.add("lm_head.weight");
      }
      if (model.architecture() == Architecture.GPT2) {
        parameters.addAll(List.of("wpe.weight", "ln_f.bias"));
      }
      for (int layer = 0; layer < model.layers(); layer++) {
        String block = "h." + layer + ".";
        for (String linear : List.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")) {
          parameters.add(block + linear + ".weight");
        }
        parameters.addAll(List.of(block + "ln_1.weight", block + "ln_2.weight"));
        if (model.qkvBias()) {
          parameters.add(block + "attn.c_attn.bias");
        }
        if (model.mlpBias()) {
          for (String with : List.of("attn.c_proj", "mlp.c_fc", "mlp.c_proj", "ln_1", "ln_2")) {
            parameters.add(block + with + ".bias");
          }
        }
        if (model.learnedQkNorm()) {
          parameters.addAll(List.of(block + "attn.q_norm.weight", block + "attn.k_norm.weight"));
        }
      }
      for (String parameter : parameters) {
        for (WeightNames.Part part : names.parts(parameter, rows(model, parameter))) {
          List<Integer> dims = stored.remove(part.name());
          assertThat(dims).as("%s of %s", part.name(), name).isNotNull();
          assertThat(dims.get(part.transposed() ? dims.size() - 1 : 0)).isEqualTo(part.rows());
        }
      }
      assertThat(stored).as(name).isEmpty();
    }
  }

  private static int rows(ModelDescription model, String parameter) {
    String kind = parameter.replaceFirst("^h\\.\\d+\\.", "").replaceFirst("\\.[a-z]+$", "");
    return switch (kind) {
      case "wte", "lm_head" -> model.vocab();
      case "wpe" -> model.context();
      case "attn.c_attn" -> model.qkvWidth();
      case "mlp.c_fc" -> model.mlpWidth();
      case "attn.q_norm", "attn.k_norm" -> model.headSize();
      default -> model.embd();
    };
  }

  @Test
  void theShapeIsThatOfTheDescription() throws IOException {
    assertThat(config("llama3-rope-f32").options())
        .isEqualTo(
            config("llama-tied-f32")
                .with(
                    Options.NONE
                        .with(GptConfig.ROPE_THETA, 500_000f)
                        .with(GptConfig.ROPE_SCALING, new RopeScaling(8, 1, 4, 32))
                        .with(GptConfig.CONTEXT, config("llama3-rope-f32").context()))
                .options());
    assertThat(config("llama-tied-f32").hiddenWidth()).isEqualTo(176);
    assertThat(config("llama-tied-f32").normEpsilon()).isEqualTo(1e-6f);
    assertThat(config("qwen2-f32").qkvBias()).isTrue();
    assertThat(config("qwen2-f32").bias()).isFalse();
    assertThat(config("qwen3-f32").sizeOfHead()).isEqualTo(32);
    assertThat(config("qwen3-f32").attentionWidth()).isEqualTo(128);
    assertThat(config("qwen3-f32").qkScale()).isTrue();
    assertThat(config("gpt2-f32").options())
        .isEqualTo(
            new GptConfig(3, 4, 64, 128, 512, 0, true, true, Activation.GELU_TANH).options());
  }

  /** Rotary positions have no table: a longer context only needs memory. */
  @Test
  void theContextMayBeLongerThanTrained() throws IOException {
    GptConfig longer = config("llama3-rope-f32").with(GptConfig.CONTEXT, 1000);
    int[] tokens = new Random(3).ints(1000, 0, 512).toArray();
    try (Gpt trained = PretrainedContract.load(folder("llama3-rope-f32"), backend);
        Gpt model = Gpt.toBeLoaded(longer, backend);
        PretrainedModel pretrained = PretrainedModel.open(folder("llama3-rope-f32"))) {
      pretrained.load(model);
      assertThat(logits(model, Arrays.copyOf(tokens, 40)))
          .containsExactly(logits(trained, Arrays.copyOf(tokens, 40)));
      assertThat(logits(model, tokens)).doesNotContain(Float.NaN);
    }
  }

  private float[] logits(Gpt model, int[] tokens) {
    model.eval();
    model.planInference(1, tokens.length);
    model.load(MemorySegment.ofArray(tokens), null);
    return backend.readFloatsBlocking(model.forward());
  }

  private static GptConfig config(String name) throws IOException {
    return HuggingFaceConfig.read(folder(name)).gptConfig();
  }

  @Test
  void featuresThatAGptLacksAreListed() throws IOException {
    Path file = directory.resolve("config.json");
    Files.writeString(file, "{\"model_type\": \"llama\", \"mlp_bias\": true}");
    assertThat(HuggingFaceConfig.read(directory).beyondGpt())
        .containsExactly("biases in its MLPs but not in attention");
    assertThatThrownBy(() -> HuggingFaceConfig.read(directory).gptConfig())
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "%s: this llama model cannot be computed yet: it has biases in its MLPs but not in"
                + " attention",
            file);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "\"model_type\": \"mistral\" | model_type \"mistral\" is not known: gpt2, llama, qwen2, qwen3 are",
        "\"model_type\": \"gpt2\", \"n_embd\": 0 | n_embd must be a whole number of at least 1, not 0",
        "\"model_type\": \"gpt2\", \"n_embd\": \"x\" | n_embd must be a whole number of at least 1, not \"x\"",
        "\"model_type\": \"gpt2\", \"n_head\": 7 | n_head 7 does not divide 768",
        "\"model_type\": \"gpt2\", \"activation_function\": \"mish\" | activation_function \"mish\" is not known",
        "\"model_type\": \"gpt2\", \"scale_attn_weights\": false | scale_attn_weights false is not known",
        "\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"yarn\"} | rope_type \"yarn\" is not known: default and llama3 are",
        "\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"llama3\", \"factor\": 0.5} | the factor of a rope scaling must be at least 1, not 0.5",
        "\"model_type\": \"qwen2\", \"use_sliding_window\": true | use_sliding_window true is not known",
        "\"model_type\": \"llama\", \"rms_norm_eps\": 0 | rms_norm_eps must be a number above 0, not 0",
        "\"model_type\": \"llama\", \"mlp_bias\": 1 | mlp_bias must be true or false, not 1",
      })
  void unknownConfigurationsAreReportedInOneLine(String fields, String fault) throws IOException {
    Path file = Files.writeString(directory.resolve("config.json"), "{" + fields + "}");
    assertThatThrownBy(() -> PretrainedModel.open(directory))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("%s: %s", file, fault);
  }

  @Test
  void missingWeightsAreReportedInOneLine() throws IOException {
    Files.copy(folder("gpt2-f32").resolve("config.json"), directory.resolve("config.json"));
    assertThatThrownBy(() -> PretrainedModel.open(directory))
        .hasMessage(
            "%s holds no weights: neither model.safetensors nor model.safetensors.index.json",
            directory);
    Path pickle = Files.createFile(directory.resolve("pytorch_model.bin"));
    assertThatThrownBy(() -> PretrainedModel.open(directory))
        .hasMessageStartingWith(
            pickle + " is a PyTorch pickle, which cannot be read; to convert it: python -c ");
    Path nano = Files.createFile(directory.resolve("ckpt.pt"));
    assertThatThrownBy(() -> PretrainedModel.open(nano))
        .hasMessageStartingWith(nano + " is a PyTorch pickle");
    Path index = directory.resolve("model.safetensors.index.json");
    Files.writeString(index, "{\"weight_map\": {\"a\": \"../other.safetensors\"}}");
    assertThatThrownBy(() -> PretrainedModel.open(directory))
        .hasMessage("%s names \"../other.safetensors\", which is not beside it", index);
  }

  @Test
  void llmCsCheckpointsInBothPrecisions() throws IOException {
    Map<String, float[]> expected = parameters(folder("gpt2-f32"));
    Path singles = llmC(3, expected);
    assertSame(parameters(singles), expected);
    try (PretrainedModel model = PretrainedModel.open(singles)) {
      assertThat(model.description().gptConfig())
          .isEqualTo(HuggingFaceConfig.read(folder("gpt2-f32")).gptConfig());
    }
    Map<String, float[]> rounded = new HashMap<>();
    expected.forEach(
        (name, values) -> {
          float[] other = new float[values.length];
          for (int i = 0; i < other.length; i++) {
            other[i] = BFloat16.rounded(values[i]);
          }
          rounded.put(name, other);
        });
    assertSame(parameters(llmC(5, expected)), rounded);
  }

  /** As llm.c's train_gpt2.py writes it, the vocabulary padded to 640. */
  private Path llmC(int version, Map<String, float[]> parameters) throws IOException {
    int padded = 640;
    int[] sizes = {20240326, version, 128, 512, 3, 4, 64, padded};
    ByteBuffer out = ByteBuffer.allocate(2 << 20).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 256; i++) {
      out.putInt(i < sizes.length ? sizes[i] : 0);
    }
    putAll(out, version, Arrays.copyOf(parameters.get("wte.weight"), padded * 64));
    putAll(out, version, parameters.get("wpe.weight"));
    for (String name :
        List.of(
            "ln_1.weight",
            "ln_1.bias",
            "attn.c_attn.weight",
            "attn.c_attn.bias",
            "attn.c_proj.weight",
            "attn.c_proj.bias",
            "ln_2.weight",
            "ln_2.bias",
            "mlp.c_fc.weight",
            "mlp.c_fc.bias",
            "mlp.c_proj.weight",
            "mlp.c_proj.bias")) {
      for (int layer = 0; layer < 3; layer++) {
        putAll(out, version, parameters.get("h." + layer + "." + name));
      }
    }
    putAll(out, version, parameters.get("ln_f.weight"));
    putAll(out, version, parameters.get("ln_f.bias"));
    byte[] bytes = Arrays.copyOf(out.array(), out.position());
    return Files.write(directory.resolve("gpt2_" + version + ".bin"), bytes);
  }

  private static void putAll(ByteBuffer out, int version, float[] values) {
    for (float value : values) {
      if (version == 3) {
        out.putFloat(value);
      } else {
        out.putShort(BFloat16.fromFloat(value));
      }
    }
  }

  @Test
  void otherFilesAreReportedInOneLine() throws IOException {
    Path whole = llmC(3, parameters(folder("gpt2-f32")));
    byte[] bytes = Files.readAllBytes(whole);
    Files.write(whole, Arrays.copyOf(bytes, bytes.length - 4));
    assertThatThrownBy(() -> PretrainedModel.open(whole))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "%s should be %d bytes by its header, but is %d",
            whole, bytes.length, bytes.length - 4);
    bytes[4] = 1;
    Files.write(whole, bytes);
    assertThatThrownBy(() -> PretrainedModel.open(whole))
        .hasMessage("%s has version 1 of llm.c's format: 3 and 5 are read", whole);
    Path other = Files.writeString(directory.resolve("other.bin"), "something else");
    assertThatThrownBy(() -> PretrainedModel.open(other))
        .hasMessage("%s is neither a folder with a config.json nor a checkpoint of llm.c", other);
    assertThatThrownBy(() -> PretrainedModel.open(directory.resolve("gone")))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("cannot read " + directory.resolve("gone"));
  }
}
