package dev.culebra.pretrained;

import java.util.Locale;

/** The kinds of models whose files are known. */
public enum Architecture {
  GPT2,
  LLAMA,
  QWEN2,
  QWEN3;

  /** As {@code config.json} has it under {@code model_type}. */
  public String modelType() {
    return name().toLowerCase(Locale.ROOT);
  }
}
