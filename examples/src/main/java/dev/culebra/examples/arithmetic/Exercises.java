package dev.culebra.examples.arithmetic;

import dev.culebra.data.Corpora;
import dev.culebra.data.Dataset;
import dev.culebra.data.NamedDatasets;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.GptConfig;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Options;
import dev.culebra.train.DataConfig;
import dev.culebra.train.ReportConfig;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** {@link Arithmetic} by name, and the defaults for training it. */
public final class Exercises implements NamedDatasets {
  /** The names that the command line knows: the user's corpora and the exercises. */
  public static Corpora corpora() {
    return Corpora.ofUser().with(new Exercises());
  }

  @Override
  public List<String> names() {
    return Arrays.stream(Arithmetic.Kind.values()).map(Arithmetic.Kind::label).toList();
  }

  @Override
  public Optional<Dataset> find(String name) {
    return Arithmetic.find(name).map(arithmetic -> arithmetic);
  }

  /**
   * Options that suit the data named in {@code told}, if it is an exercise: its problems have a
   * fixed length. Unless a preset is named, the calculator gets a model that can learn it.
   *
   * @throws dev.culebra.data.DataException if the number of digits in the name is out of range
   */
  public static Options options(Options told) {
    return told.find(DataConfig.DATA)
        .flatMap(Arithmetic::find)
        .map(arithmetic -> options(arithmetic, !told.has(TrainConfig.PRESET)))
        .orElse(Options.NONE);
  }

  private static Options options(Arithmetic arithmetic, boolean anyModel) {
    Options options =
        Options.NONE
            .with(GptConfig.CONTEXT, arithmetic.context())
            .with(DataConfig.TOKENIZER, TokenizerChoice.CHAR)
            .with(TrainingConfig.BATCH, 128);
    return switch (arithmetic.kind()) {
      case ADDITION -> options.with(TrainingConfig.STEPS, 1500);
      case CALCULATOR -> anyModel ? options.with(CALCULATOR) : options;
    };
  }

  /**
   * Products take many steps, which are fast with a small model. There are so few products that
   * without weight decay it would memorise them (bench/DECISIONS.md).
   */
  private static final Options CALCULATOR =
      Options.NONE
          .with(GptConfig.LAYERS, 3)
          .with(GptConfig.HEADS, 4)
          .with(GptConfig.EMBD, 64)
          .with(TrainingConfig.OPTIMIZER, Optimizer.Kind.MUON)
          .with(TrainingConfig.LR, 4e-3f)
          .with(TrainingConfig.WEIGHT_DECAY, 0.3f)
          .with(TrainingConfig.STEPS, 10_000)
          .with(ReportConfig.LOG_EVERY, 100)
          .with(ReportConfig.EVAL_EVERY, 1000)
          .with(ReportConfig.SAMPLE_EVERY, 1000)
          .with(ReportConfig.SAVE_EVERY, 1000);
}
