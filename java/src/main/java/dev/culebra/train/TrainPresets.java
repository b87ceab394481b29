package dev.culebra.train;

import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.Preset;
import dev.culebra.options.Options;

/** How each preset is trained, where it differs from the options' defaults. */
final class TrainPresets {
  private static final int ANY_VOCAB = 1;

  private TrainPresets() {}

  /** The values of a preset. */
  static Options of(Preset preset) {
    Options model = preset.config(ANY_VOCAB).options();
    return switch (preset) {
      case NANO -> model;
      case BABY -> model.with(BABY);
      case GPT2, GPT2_MEDIUM, GPT2_LARGE, GPT2_XL -> model.with(WORDS);
    };
  }

  private static final Options BABY =
      Options.NONE
          .with(TrainingConfig.BATCH, 64)
          .with(TrainingConfig.STEPS, 5000)
          .with(ReportConfig.EVAL_BATCHES, 200);

  /**
   * GPT-2's sizes use the values of GPT-3 (Brown et al., 2020) for its small model. The others
   * train on characters as nanoGPT does: few tokens per step, hence a larger beta2.
   */
  private static final Options WORDS =
      Options.NONE
          .with(DataConfig.TOKENIZER, TokenizerChoice.GPT2)
          .with(TrainingConfig.BATCH, 4)
          .with(TrainingConfig.GRAD_ACCUM, 8)
          .with(TrainingConfig.STEPS, 20_000)
          .with(TrainingConfig.LR, 6e-4f)
          .with(TrainingConfig.WARMUP, 2000)
          .with(TrainingConfig.BETA2, 0.95f)
          .with(ReportConfig.EVAL_EVERY, 1000)
          .with(ReportConfig.SAMPLE_EVERY, 1000)
          .with(ReportConfig.EVAL_BATCHES, 50)
          .with(ReportConfig.SAVE_EVERY, 1000);
}
