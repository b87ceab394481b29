package dev.culebra.pretrained;

import java.util.Locale;

/** The supported model architectures. */
public enum Architecture {
  GPT2,
  LLAMA,
  QWEN2,
  QWEN3;

  /** The value of {@code model_type} in {@code config.json}. */
  public String modelType() {
    return name().toLowerCase(Locale.ROOT);
  }
}
