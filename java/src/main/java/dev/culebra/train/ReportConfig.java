package dev.culebra.train;

import static dev.culebra.options.ValueType.WHOLE;

import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Range;
import java.util.List;

/**
 * What a run reports and saves. Each component is described by its option: {@link #EVAL_EVERY} and
 * so on.
 */
public record ReportConfig(
    int evalEvery, int evalBatches, int logEvery, int saveEvery, int sampleEvery) {
  public static final Option<ReportConfig, Integer> EVAL_EVERY =
      Option.of("evalEvery", WHOLE, ReportConfig::evalEvery)
          .help("N", "Steps between evaluations; 0: only at the end.")
          .range(Range.atLeast(0))
          .otherwise(250)
          .changeable();

  public static final Option<ReportConfig, Integer> EVAL_BATCHES =
      Option.of("evalBatches", WHOLE, ReportConfig::evalBatches)
          .help("N", "Batches per evaluation.")
          .range(Range.atLeast(1))
          .otherwise(20);

  public static final Option<ReportConfig, Integer> LOG_EVERY =
      Option.of("logEvery", WHOLE, ReportConfig::logEvery)
          .help("N", "Steps between logged steps.")
          .range(Range.atLeast(1))
          .otherwise(10)
          .changeable();

  public static final Option<ReportConfig, Integer> SAVE_EVERY =
      Option.of("saveEvery", WHOLE, ReportConfig::saveEvery)
          .help("N", "Steps between checkpoints; 0: only at the end.")
          .range(Range.atLeast(0))
          .otherwise(250)
          .changeable();

  public static final Option<ReportConfig, Integer> SAMPLE_EVERY =
      Option.of("sampleEvery", WHOLE, ReportConfig::sampleEvery)
          .help("N", "Steps between samples; 0: only at the end.")
          .range(Range.atLeast(0))
          .otherwise(250)
          .changeable();

  public static final List<Option<ReportConfig, ?>> OPTIONS =
      List.of(EVAL_EVERY, EVAL_BATCHES, LOG_EVERY, SAVE_EVERY, SAMPLE_EVERY);

  /**
   * @throws OptionException with one line that names the value, if it is invalid
   */
  public ReportConfig {
    EVAL_EVERY.require(evalEvery);
    EVAL_BATCHES.require(evalBatches);
    LOG_EVERY.require(logEvery);
    SAVE_EVERY.require(saveEvery);
    SAMPLE_EVERY.require(sampleEvery);
  }

  static ReportConfig of(Options options) {
    return new ReportConfig(
        options.value(EVAL_EVERY),
        options.value(EVAL_BATCHES),
        options.value(LOG_EVERY),
        options.value(SAVE_EVERY),
        options.value(SAMPLE_EVERY));
  }
}
