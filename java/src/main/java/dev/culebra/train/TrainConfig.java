package dev.culebra.train;

import static dev.culebra.options.ValueType.TEXT;
import static dev.culebra.options.ValueType.oneOf;

import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Positions;
import dev.culebra.nn.Preset;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The whole configuration of a training run; equal configurations give equal runs. Stored as {@code
 * config.json}, flat.
 *
 * <pre>{@code
 * TrainConfig config =
 *     TrainConfig.of(
 *         Options.NONE
 *             .with(TrainConfig.PRESET, Preset.NANO)
 *             .with(DataConfig.DATA, "macbeth")
 *             .with(TrainingConfig.STEPS, 200));
 * }</pre>
 *
 * @param preset the source of the values that were not set
 * @param initFrom the run or model that this run was finetuned from; empty if it was not finetuned
 * @param model its vocabulary is the tokenizer's, not known yet
 */
public record TrainConfig(
    Preset preset,
    String initFrom,
    DataConfig data,
    GptConfig model,
    TrainingConfig training,
    ReportConfig reports,
    DeviceConfig device) {
  public static final Option<TrainConfig, Preset> PRESET =
      Option.of("preset", oneOf(Preset.class), TrainConfig::preset)
          .help("NAME", "Source of the values that are not set.")
          .otherwise(Preset.NANO);

  /** Set by {@link TrainingRun#finetune} only. */
  public static final Option<TrainConfig, String> INIT_FROM =
      Option.of("initFrom", TEXT, TrainConfig::initFrom)
          .help("PATH", "The run or model that it was finetuned from.")
          .otherwise("")
          .internal();

  /** All options, in the order of {@code config.json}. */
  public static final List<Option<?, ?>> OPTIONS =
      Stream.of(
              List.of(PRESET, INIT_FROM),
              DataConfig.OPTIONS,
              GptConfig.OPTIONS,
              TrainingConfig.OPTIONS,
              ReportConfig.OPTIONS,
              DeviceConfig.OPTIONS)
          .<Option<?, ?>>flatMap(List::stream)
          .toList();

  /** The default warmup is the preset's, but at most this fraction of a short run. */
  private static final int SHORT_WARMUP = 10;

  /**
   * Checks what the parts cannot check by themselves.
   *
   * @throws OptionException with one line that names the value, if it is invalid
   */
  public TrainConfig {
    PRESET.require(preset);
    if ((long) training.batch() * model.context() > Integer.MAX_VALUE) {
      throw new OptionException(
          "%s times %s is more than %d tokens",
          TrainingConfig.BATCH.set(training.batch()),
          GptConfig.CONTEXT.set(model.context()),
          Integer.MAX_VALUE);
    }
  }

  /**
   * The configuration; missing values come from the preset.
   *
   * @throws OptionException if a value is invalid
   */
  public static TrainConfig of(Options given) {
    return of(given, Options.NONE);
  }

  /**
   * The configuration; missing values come from {@code ofData}, the values that suit the data, then
   * from the preset.
   *
   * @throws OptionException if a value is invalid
   */
  public static TrainConfig of(Options given, Options ofData) {
    Options all = TrainPresets.of(given.value(PRESET)).with(ofData).with(given);
    if (!given.has(TrainingConfig.STEPS) && all.value(TrainingConfig.MINUTES) > 0) {
      all = all.with(TrainingConfig.STEPS, TrainingConfig.ANY_STEPS);
    }
    if (!given.has(TrainingConfig.WARMUP)) {
      int most = all.value(TrainingConfig.STEPS) / SHORT_WARMUP;
      int warmup = Math.min(all.value(TrainingConfig.WARMUP), most);
      all = all.with(TrainingConfig.WARMUP, warmup);
    }
    if (!all.has(TrainingConfig.MIN_LR)) {
      all = all.with(TrainingConfig.MIN_LR, tenth(all.value(TrainingConfig.LR)));
    }
    return complete(all);
  }

  private static TrainConfig complete(Options all) {
    return new TrainConfig(
        all.value(PRESET),
        all.value(INIT_FROM),
        DataConfig.of(all),
        GptConfig.of(all),
        TrainingConfig.of(all),
        ReportConfig.of(all),
        DeviceConfig.of(all));
  }

  /** The default lowest rate, a tenth of the peak as in GPT-3: exactly 1e-4 for 0.001. */
  private static float tenth(float lr) {
    return Float.isFinite(lr)
        ? new BigDecimal(Float.toString(lr)).movePointLeft(1).floatValue()
        : lr;
  }

  /**
   * Reads a JSON object with some of the {@link #OPTIONS}.
   *
   * @throws IOException with one line that gives file, line and column, if the file cannot be read,
   *     is not such an object, or has an unknown field
   */
  public static Options read(Path file) throws IOException {
    return TrainJson.read(file);
  }

  /** As a JSON object that {@link #read} reads back to an equal configuration. */
  public String toJson() {
    return TrainJson.write(options());
  }

  /** All values. */
  public Options options() {
    return Options.NONE
        .with(PRESET, preset)
        .with(INIT_FROM, initFrom)
        .with(Options.of(data, DataConfig.OPTIONS))
        .with(Options.of(model, GptConfig.OPTIONS))
        .with(Options.of(training, TrainingConfig.OPTIONS))
        .with(Options.of(reports, ReportConfig.OPTIONS))
        .with(Options.of(device, DeviceConfig.OPTIONS));
  }

  /**
   * This configuration with the values of {@code over}.
   *
   * @throws OptionException if one is invalid
   */
  public TrainConfig with(Options over) {
    return complete(options().with(over));
  }

  /**
   * This configuration for resuming its run, with the values of {@code over}; derived values are
   * updated.
   *
   * @throws OptionException if a value is invalid
   */
  TrainConfig changedBy(Options over) {
    Options changes = over;
    if (over.has(TrainingConfig.LR) && !over.has(TrainingConfig.MIN_LR)) {
      float lr = over.value(TrainingConfig.LR);
      boolean follows = training.minLr() == tenth(training.lr());
      float minLr = follows ? tenth(lr) : Math.min(training.minLr(), lr);
      changes = changes.with(TrainingConfig.MIN_LR, minLr);
    }
    if (over.value(TrainingConfig.MINUTES) > 0 && !over.has(TrainingConfig.STEPS)) {
      changes = changes.with(TrainingConfig.STEPS, TrainingConfig.ANY_STEPS);
    }
    return with(changes);
  }

  /** The options that define the model of the weights, apart from the tokenizer. */
  Options modelShape() {
    return model.options().without(GptConfig.DROPOUT);
  }

  /** What a run that is finetuned from this one inherits unless set otherwise. */
  public Options shape() {
    return Options.NONE
        .with(PRESET, preset)
        .with(DataConfig.TOKENIZER, data.tokenizer())
        .with(modelShape());
  }

  /**
   * What two models must have in common for one to start with the weights of the other. This leaves
   * out dropout and the soft cap, and if there is no table of positions, also the context and the
   * frequencies, which are changed for a longer context.
   */
  Options weightsShape() {
    int headSize = model.attentionWidth() == model.embd() ? 0 : model.sizeOfHead();
    int usualWidth = model.with(GptConfig.MLP_WIDTH, 0).hiddenWidth();
    int mlpWidth = model.hiddenWidth() == usualWidth ? 0 : model.hiddenWidth();
    Options shape =
        shape()
            .without(GptConfig.SOFTCAP)
            .with(GptConfig.KV_HEADS, model.headsSpec().kvHeads())
            .with(GptConfig.HEAD_SIZE, headSize)
            .with(GptConfig.MLP_WIDTH, mlpWidth);
    return model.positions() == Positions.ROTARY
        ? shape
            .without(GptConfig.CONTEXT)
            .without(GptConfig.ROPE_THETA)
            .without(GptConfig.ROPE_SCALING)
        : shape;
  }

  /** The default learning rate for finetuning: a tenth of this one's. */
  public float finetuningRate() {
    return tenth(training.lr());
  }

  /** Tokens per optimizer step: B · T · micro-steps. */
  public long tokensPerStep() {
    return (long) training.batch() * model.context() * training.gradAccum();
  }
}
