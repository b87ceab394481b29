package dev.culebra.train;

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
 * Everything a training run is told; equal configurations give equal runs. Written as {@code
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
 * @param preset where the values came from that nobody set
 * @param model its vocabulary is the tokenizer's and not known yet
 */
public record TrainConfig(
    Preset preset,
    DataConfig data,
    GptConfig model,
    TrainingConfig training,
    ReportConfig reports,
    DeviceConfig device) {
  public static final Option<TrainConfig, Preset> PRESET =
      Option.of("preset", oneOf(Preset.class), TrainConfig::preset)
          .help("NAME", "Where the values come from that nobody sets.")
          .otherwise(Preset.NANO);

  /** All, in the order of {@code config.json}. */
  public static final List<Option<?, ?>> OPTIONS =
      Stream.of(
              List.of(PRESET),
              DataConfig.OPTIONS,
              GptConfig.OPTIONS,
              TrainingConfig.OPTIONS,
              ReportConfig.OPTIONS,
              DeviceConfig.OPTIONS)
          .<Option<?, ?>>flatMap(List::stream)
          .toList();

  /** Where nobody sets a warmup it is the preset's, but at most this part of a short run. */
  private static final int SHORT_WARMUP = 10;

  /**
   * Checks what its parts have not checked.
   *
   * @throws OptionException with one line that names the value, if it is impossible
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
   * The configuration; what is absent is the preset's.
   *
   * @throws OptionException if a value is impossible
   */
  public static TrainConfig of(Options given) {
    return of(given, Options.NONE);
  }

  /**
   * The configuration; what is absent is that of {@code ofData}, what the data asks for, and then
   * the preset's.
   *
   * @throws OptionException if a value is impossible
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
        DataConfig.of(all),
        GptConfig.of(all),
        TrainingConfig.of(all),
        ReportConfig.of(all),
        DeviceConfig.of(all));
  }

  /** Where nobody sets a lowest rate, a tenth of the peak as GPT-3's: exactly 1e-4 for 0.001. */
  private static float tenth(float lr) {
    return Float.isFinite(lr)
        ? new BigDecimal(Float.toString(lr)).movePointLeft(1).floatValue()
        : lr;
  }

  /**
   * Reads a JSON object of some of the {@link #OPTIONS}.
   *
   * @throws IOException if the file cannot be read, is not such an object, or names an unknown
   *     field; one line with file, line and column
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
        .with(Options.of(data, DataConfig.OPTIONS))
        .with(Options.of(model, GptConfig.OPTIONS))
        .with(Options.of(training, TrainingConfig.OPTIONS))
        .with(Options.of(reports, ReportConfig.OPTIONS))
        .with(Options.of(device, DeviceConfig.OPTIONS));
  }

  /**
   * This configuration with the values that {@code over} has.
   *
   * @throws OptionException if one is impossible
   */
  public TrainConfig with(Options over) {
    return complete(options().with(over));
  }

  /**
   * This configuration for going on with its run, with the values that {@code over} has; those that
   * follow from others follow.
   *
   * @throws OptionException if a value is impossible
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

  /** What gives the weights of this run's model their meaning, but for the tokenizer. */
  Options modelShape() {
    return model.options().without(GptConfig.DROPOUT);
  }

  /** What a run that begins with the weights of this one has of it unless it is told otherwise. */
  public Options shape() {
    return Options.NONE
        .with(PRESET, preset)
        .with(DataConfig.TOKENIZER, data.tokenizer())
        .with(modelShape());
  }

  /**
   * What two models must have in common for one to begin with the weights of the other. Neither
   * dropout nor the soft cap is among it, nor the context where positions have no table.
   */
  Options weightsShape() {
    Options shape =
        shape().without(GptConfig.SOFTCAP).with(GptConfig.KV_HEADS, model.headsSpec().kvHeads());
    return model.positions() == Positions.ROTARY ? shape.without(GptConfig.CONTEXT) : shape;
  }

  /** The learning rate to finetune with where nobody says another: a tenth of this one's. */
  public float finetuningRate() {
    return tenth(training.lr());
  }

  /** Tokens that one optimizer step reads: B · T · micro-steps. */
  public long tokensPerStep() {
    return (long) training.batch() * model.context() * training.gradAccum();
  }
}
