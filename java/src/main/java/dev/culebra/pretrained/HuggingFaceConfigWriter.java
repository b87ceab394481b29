package dev.culebra.pretrained;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.backend.Activation;
import dev.culebra.io.AtomicFile;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.util.List;
import java.util.OptionalInt;

/**
 * Writes the {@code config.json} that {@link HuggingFaceConfig} reads, for transformers 4 and 5.
 */
final class HuggingFaceConfigWriter {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private HuggingFaceConfigWriter() {}

  /**
   * Replaces {@code model.file()}.
   *
   * @param dropout used in training
   * @param dtype of the weights
   * @param beginning the token that texts begin with, if there is one
   */
  static void write(ModelDescription model, float dropout, DType dtype, OptionalInt beginning)
      throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.putArray("architectures").add(className(model.architecture()));
    json.put("model_type", model.architecture().modelType());
    json.put("dtype", dtype == DType.F32 ? "float32" : "bfloat16");
    json.put("vocab_size", model.vocab());
    json.put("tie_word_embeddings", model.tiedHead());
    beginning.ifPresentOrElse(
        token -> json.put("bos_token_id", token), () -> json.putNull("bos_token_id"));
    ends(json, model.endTokens());
    if (model.architecture() == Architecture.GPT2) {
      gpt2(json, model, dropout);
    } else {
      llama(json, model, dropout);
    }
    AtomicFile.write(model.file(), json.toPrettyString() + "\n");
  }

  private static String className(Architecture architecture) {
    return switch (architecture) {
      case GPT2 -> "GPT2LMHeadModel";
      case LLAMA -> "LlamaForCausalLM";
      case QWEN2 -> "Qwen2ForCausalLM";
      case QWEN3 -> "Qwen3ForCausalLM";
    };
  }

  /** A missing field would mean the number that it has in the published models. */
  private static void ends(ObjectNode json, List<Integer> ends) {
    if (ends.isEmpty()) {
      json.putNull("eos_token_id");
    } else if (ends.size() == 1) {
      json.put("eos_token_id", ends.getFirst());
    } else {
      ends.forEach(json.putArray("eos_token_id")::add);
    }
  }

  private static void gpt2(ObjectNode json, ModelDescription model, float dropout) {
    json.put("n_layer", model.layers()).put("n_head", model.heads()).put("n_embd", model.embd());
    json.put("n_positions", model.context());
    if (model.mlpWidth() == 4 * model.embd()) {
      json.putNull("n_inner");
    } else {
      json.put("n_inner", model.mlpWidth());
    }
    json.put("activation_function", activation(model.activation()));
    json.put("layer_norm_epsilon", model.normEpsilon());
    for (String field : List.of("embd_pdrop", "attn_pdrop", "resid_pdrop")) {
      json.put(field, dropout);
    }
  }

  private static void llama(ObjectNode json, ModelDescription model, float dropout) {
    json.put("num_hidden_layers", model.layers()).put("num_attention_heads", model.heads());
    json.put("num_key_value_heads", model.kvHeads()).put("head_dim", model.headSize());
    json.put("hidden_size", model.embd()).put("intermediate_size", model.mlpWidth());
    json.put("max_position_embeddings", model.context());
    json.put("hidden_act", activation(model.activation()));
    json.put("rms_norm_eps", model.normEpsilon());
    json.put("attention_dropout", dropout);
    switch (model.architecture()) {
      case LLAMA ->
          json.put("attention_bias", model.attentionOutBias()).put("mlp_bias", model.mlpBias());
      case QWEN2 -> json.put("use_sliding_window", false);
      default ->
          json.put("attention_bias", model.attentionOutBias()).put("use_sliding_window", false);
    }
    rope(json, model);
  }

  /** Both as transformers 5 and as version 4 reads it. */
  private static void rope(ObjectNode json, ModelDescription model) {
    ObjectNode parameters = json.putObject("rope_parameters");
    parameters.put("rope_theta", model.ropeTheta());
    parameters.put("rope_type", model.ropeScaling().isPresent() ? "llama3" : "default");
    json.put("rope_theta", model.ropeTheta());
    model
        .ropeScaling()
        .ifPresent(
            scaling -> {
              for (ObjectNode into :
                  List.of(parameters, json.putObject("rope_scaling").put("rope_type", "llama3"))) {
                into.put("factor", scaling.factor());
                into.put("low_freq_factor", scaling.lowFrequencyFactor());
                into.put("high_freq_factor", scaling.highFrequencyFactor());
                into.put("original_max_position_embeddings", scaling.originalContext());
              }
            });
  }

  private static String activation(Activation activation) {
    return switch (activation) {
      case GELU_TANH -> "gelu_new";
      case GELU_ERF -> "gelu";
      case RELU -> "relu";
      case SILU -> "silu";
      case RELU_SQUARED -> "relu2";
      case IDENTITY -> "linear";
    };
  }
}
