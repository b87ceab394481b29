package dev.culebra.pretrained;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How a parameter of a {@link dev.culebra.nn.Gpt} is named and stored in other formats. */
final class WeightNames {
  /**
   * A stored tensor with some rows of a parameter.
   *
   * @param name without the prefixes that {@link #withoutPrefixes} removes
   * @param rows number of rows
   * @param transposed whether it is stored as (in, out), as in GPT-2's {@code Conv1D}
   */
  record Part(String name, int rows, boolean transposed) {}

  private static final Pattern PREFIXES =
      Pattern.compile("(_orig_mod\\.|transformer\\.|model\\.)+");
  private static final Pattern OF_BLOCK = Pattern.compile("h\\.(\\d+)\\.(.+)\\.(weight|bias)");

  /** Masks and frequencies, which are derived from the configuration. */
  private static final Pattern BUFFER =
      Pattern.compile("h\\.\\d+\\.attn\\.(bias|masked_bias)|.*rotary_emb\\.inv_freq");

  private final ModelDescription model;

  /** Whether linear weights are stored transposed. */
  private final boolean transposed;

  WeightNames(ModelDescription model, boolean transposed) {
    this.model = model;
    this.transposed = transposed;
  }

  /** The name of a stored tensor without the prefixes of wrappers. */
  static String withoutPrefixes(String name) {
    Matcher prefixes = PREFIXES.matcher(name);
    return prefixes.lookingAt() ? name.substring(prefixes.end()) : name;
  }

  /** The name of a part as transformers writes it. */
  String prefixed(String name) {
    if (name.equals("lm_head.weight")) {
      return name;
    }
    return (model.architecture() == Architecture.GPT2 ? "transformer." : "model.") + name;
  }

  /** Whether a stored tensor is not a weight, or a duplicate of another. */
  boolean isIgnored(String name) {
    return BUFFER.matcher(name).matches() || model.tiedHead() && name.equals("lm_head.weight");
  }

  /**
   * The stored tensors of a parameter, from its first row to its last.
   *
   * @param rows of the parameter, 1 for a vector
   */
  List<Part> parts(String parameter, int rows) {
    return model.architecture() == Architecture.GPT2
        ? List.of(new Part(parameter, rows, transposed && isLinear(parameter)))
        : llama(parameter, rows);
  }

  private static boolean isLinear(String parameter) {
    return parameter.endsWith(".weight")
        && (parameter.contains(".c_") && parameter.startsWith("h."));
  }

  private List<Part> llama(String parameter, int rows) {
    Matcher block = OF_BLOCK.matcher(parameter);
    if (!block.matches()) {
      return List.of(
          switch (parameter) {
            case "wte.weight" -> new Part("embed_tokens.weight", rows, false);
            case "ln_f.weight" -> new Part("norm.weight", rows, false);
            default -> new Part(parameter, rows, false);
          });
    }
    String prefix = "layers." + block.group(1) + ".";
    String suffix = "." + block.group(3);
    int queries = model.heads() * model.headSize();
    int keys = model.kvHeads() * model.headSize();
    return switch (block.group(2)) {
      case "ln_1" -> List.of(new Part(prefix + "input_layernorm" + suffix, rows, false));
      case "ln_2" -> List.of(new Part(prefix + "post_attention_layernorm" + suffix, rows, false));
      case "attn.c_attn" ->
          List.of(
              new Part(prefix + "self_attn.q_proj" + suffix, queries, false),
              new Part(prefix + "self_attn.k_proj" + suffix, keys, false),
              new Part(prefix + "self_attn.v_proj" + suffix, keys, false));
      case "attn.c_proj" -> List.of(new Part(prefix + "self_attn.o_proj" + suffix, rows, false));
      case "mlp.c_fc" ->
          List.of(
              new Part(prefix + "mlp.gate_proj" + suffix, model.mlpWidth(), false),
              new Part(prefix + "mlp.up_proj" + suffix, model.mlpWidth(), false));
      case "mlp.c_proj" -> List.of(new Part(prefix + "mlp.down_proj" + suffix, rows, false));
      case "attn.q_norm" -> List.of(new Part(prefix + "self_attn.q_norm" + suffix, rows, false));
      case "attn.k_norm" -> List.of(new Part(prefix + "self_attn.k_norm" + suffix, rows, false));
      default -> List.of(new Part(prefix + block.group(2) + suffix, rows, false));
    };
  }
}
