package dev.culebra.pretrained;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.culebra.backend.Activation;
import dev.culebra.backend.RopeScaling;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.io.FileErrors;
import dev.culebra.io.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Reads {@code config.json} of Hugging Face's folders, written by transformers 4 and 5. Missing
 * fields have the library's defaults; unknown values that would change the computation are
 * rejected.
 */
final class HuggingFaceConfig {
  static final String NAME = "config.json";
  private static final String TYPE = "model_type";

  private final Path file;
  private final JsonNode json;

  private HuggingFaceConfig(Path file, JsonNode json) {
    this.file = file;
    this.json = json;
  }

  /**
   * Reads the description of the model in {@code folder}.
   *
   * @throws CheckpointException if it has another architecture or an invalid value
   * @throws IOException with one line that names it, if it cannot be read
   */
  static ModelDescription read(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
    return new HuggingFaceConfig(file, parse(file)).read();
  }

  /** Whether an existing file is one, for any architecture. */
  static boolean matches(Path file) {
    try {
      JsonNode json = parse(file);
      return json.has(TYPE) || json.has("architectures");
    } catch (IOException e) {
      return false;
    }
  }

  /** The JSON object of a file. */
  static JsonNode parse(Path file) throws IOException {
    try {
      JsonNode json = StrictJson.mapper().readTree(Files.readAllBytes(file));
      if (!json.isObject()) {
        throw new CheckpointException(file + " is not a JSON object");
      }
      return json;
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("not JSON");
      throw new CheckpointException("%s is not JSON: %s".formatted(file, reason));
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private ModelDescription read() throws CheckpointException {
    String type = json.path(TYPE).asText();
    Architecture architecture =
        Arrays.stream(Architecture.values())
            .filter(known -> known.modelType().equals(type))
            .findFirst()
            .orElseThrow(
                () ->
                    bad(
                        "model_type \"%s\" is not known: %s are"
                            .formatted(
                                type,
                                Arrays.stream(Architecture.values())
                                    .map(Architecture::modelType)
                                    .collect(Collectors.joining(", ")))));
    return architecture == Architecture.GPT2 ? gpt2() : llama(architecture);
  }

  private ModelDescription gpt2() throws CheckpointException {
    requireFlag("scale_attn_weights", true);
    requireFlag("scale_attn_by_inverse_layer_idx", false);
    requireFlag("add_cross_attention", false);
    boolean bias =
        flag("bias", true); // a field of nanoGPT's; in transformers GPT-2 always has biases
    int embd = size("n_embd", 768);
    int heads = size("n_head", 12);
    requireDivisor("n_head", heads, embd);
    return new ModelDescription(
        file,
        Architecture.GPT2,
        size("n_layer", 12),
        heads,
        heads,
        embd / heads,
        embd,
        size("n_inner", 4 * embd),
        size("n_positions", 1024),
        size("vocab_size", 50257),
        flag("tie_word_embeddings", true),
        activation("activation_function", "gelu_new"),
        number("layer_norm_epsilon", 1e-5),
        bias,
        bias,
        bias,
        false,
        0,
        Optional.empty(),
        endTokens());
  }

  private ModelDescription llama(Architecture architecture) throws CheckpointException {
    requireFlag("use_sliding_window", false);
    int embd = size("hidden_size", 4096);
    int heads = size("num_attention_heads", 32);
    int kvHeads = size("num_key_value_heads", heads);
    requireDivisor("num_key_value_heads", kvHeads, heads);
    int headSize =
        architecture == Architecture.QWEN3
            ? size("head_dim", 128)
            : size("head_dim", Math.max(1, embd / heads));
    boolean attentionBias = flag("attention_bias", false);
    JsonNode rope = json.has("rope_parameters") ? json.path("rope_parameters") : json;
    return new ModelDescription(
        file,
        architecture,
        size("num_hidden_layers", 32),
        heads,
        kvHeads,
        headSize,
        embd,
        size("intermediate_size", 11008),
        size("max_position_embeddings", 2048),
        size("vocab_size", 32000),
        flag("tie_word_embeddings", false),
        activation("hidden_act", "silu"),
        number("rms_norm_eps", 1e-6),
        architecture == Architecture.QWEN2 || attentionBias,
        attentionBias && architecture != Architecture.QWEN2,
        flag("mlp_bias", false),
        architecture == Architecture.QWEN3,
        number(rope, "rope_theta", 10_000),
        ropeScaling(json.has("rope_parameters") ? rope : json.path("rope_scaling")),
        endTokens());
  }

  private Optional<RopeScaling> ropeScaling(JsonNode scaling) throws CheckpointException {
    String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
    return switch (type) {
      case "default" -> Optional.empty();
      case "llama3" -> Optional.of(llama3(scaling));
      default -> throw bad("rope_type \"%s\" is not known: default and llama3 are".formatted(type));
    };
  }

  private RopeScaling llama3(JsonNode scaling) throws CheckpointException {
    double factor = number(scaling, "factor", 8);
    double low = number(scaling, "low_freq_factor", 1);
    double high = number(scaling, "high_freq_factor", 4);
    int original = size(scaling, "original_max_position_embeddings", 8192);
    try {
      return new RopeScaling(factor, low, high, original);
    } catch (IllegalArgumentException e) {
      throw bad(e.getMessage());
    }
  }

  private Activation activation(String field, String usual) throws CheckpointException {
    String name = json.path(field).asText(usual);
    return switch (name) {
      case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> Activation.GELU_TANH;
      case "gelu" -> Activation.GELU_ERF;
      case "relu" -> Activation.RELU;
      case "relu2" -> Activation.RELU_SQUARED;
      case "silu", "swish" -> Activation.SILU;
      default -> throw bad("%s \"%s\" is not known".formatted(field, name));
    };
  }

  /** One number, several or none. */
  private List<Integer> endTokens() {
    List<Integer> tokens = new ArrayList<>();
    JsonNode end = json.path("eos_token_id");
    if (end.isArray()) {
      end.forEach(token -> tokens.add(token.asInt()));
    } else if (end.isIntegralNumber()) {
      tokens.add(end.intValue());
    }
    return List.copyOf(tokens);
  }

  private void requireFlag(String field, boolean known) throws CheckpointException {
    if (flag(field, known) != known) {
      throw bad("%s %s is not known".formatted(field, !known));
    }
  }

  private void requireDivisor(String field, int divisor, int of) throws CheckpointException {
    if (of % divisor != 0) {
      throw bad("%s %d does not divide %d".formatted(field, divisor, of));
    }
  }

  private boolean flag(String field, boolean usual) throws CheckpointException {
    JsonNode value = json.path(field);
    if (!isAbsent(value) && !value.isBoolean()) {
      throw bad("%s must be true or false, not %s".formatted(field, value));
    }
    return value.asBoolean(usual);
  }

  private int size(String field, int usual) throws CheckpointException {
    return size(json, field, usual);
  }

  private int size(JsonNode in, String field, int usual) throws CheckpointException {
    JsonNode value = in.path(field);
    if (isAbsent(value)) {
      return usual;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw bad("%s must be a whole number of at least 1, not %s".formatted(field, value));
    }
    return value.intValue();
  }

  private double number(String field, double usual) throws CheckpointException {
    return number(json, field, usual);
  }

  private double number(JsonNode in, String field, double usual) throws CheckpointException {
    JsonNode value = in.path(field);
    if (!isAbsent(value) && !(value.isNumber() && value.doubleValue() > 0)) {
      throw bad("%s must be a number above 0, not %s".formatted(field, value));
    }
    return value.asDouble(usual);
  }

  private static boolean isAbsent(JsonNode value) {
    return value.isMissingNode() || value.isNull();
  }

  private CheckpointException bad(String fault) {
    return new CheckpointException(file + ": " + fault);
  }
}
