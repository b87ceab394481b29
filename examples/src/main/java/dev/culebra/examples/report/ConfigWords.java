package dev.culebra.examples.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.culebra.options.ValueType;
import java.util.Map;

/** The fields of {@code config.json} in readable words. */
final class ConfigWords {
  /** For fields where replacing underscores by spaces is not enough. */
  private static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("init_from", "finetuned from"),
          Map.entry("embd", "width"),
          Map.entry("tied_head", "head tied to the embedding"),
          Map.entry("gated_mlp", "gated MLP"),
          Map.entry("norm", "normalization"),
          Map.entry("qk_norm", "normalized queries and keys"),
          Map.entry("kv_heads", "heads of keys and values"),
          Map.entry("softcap", "soft cap of the logits"),
          Map.entry("batch", "sequences per micro-step"),
          Map.entry("grad_accum", "micro-steps per step"),
          Map.entry("lr", "learning rate"),
          Map.entry("min_lr", "lowest learning rate"),
          Map.entry("warmup", "warmup steps"),
          Map.entry("clip", "gradient clipping"),
          Map.entry("minutes", "limit in minutes"),
          Map.entry("decay_from", "schedule restarted at step"),
          Map.entry("eval_every", "steps between evaluations"),
          Map.entry("eval_batches", "batches per evaluation"),
          Map.entry("log_every", "steps between log lines"),
          Map.entry("save_every", "steps between checkpoints"),
          Map.entry("sample_every", "steps between samples"),
          Map.entry("dtype", "data type"),
          Map.entry("tf32", "TF32"),
          Map.entry("skip_unknown", "unknown characters skipped"),
          Map.entry("special", "special tokens recognised in texts"),
          Map.entry("val_fraction", "part for validation"),
          Map.entry("val_split", "validation part chosen by"),
          Map.entry("val_data", "data for validation"));

  /** The meaning of 0. */
  private static final Map<String, String> ZEROS =
      Map.of(
          "kv_heads", "as many as heads",
          "softcap", "none",
          "clip", "none",
          "minutes", "none",
          "patience", "no limit",
          "eval_every", "only at the end",
          "save_every", "only at the end",
          "sample_every", "only at the end",
          "threads", "all");

  private ConfigWords() {}

  static String name(String field) {
    return NAMES.getOrDefault(field, field.replace('_', ' '));
  }

  static String value(String field, JsonNode value) {
    if (value.isBoolean()) {
      return value.booleanValue() ? "yes" : "no";
    }
    if (value.isTextual() && value.asText().isEmpty()) {
      return "none";
    }
    String zero = ZEROS.get(field);
    if (value.isTextual() && value.textValue().isEmpty()) {
      return "none";
    }
    if (zero != null && value.isNumber() && value.doubleValue() == 0) {
      return zero;
    }
    return value.isFloatingPointNumber()
        ? ValueType.NUMBER.text(value.floatValue())
        : value.asText();
  }
}
