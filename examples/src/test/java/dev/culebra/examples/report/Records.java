package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import dev.culebra.options.Options;
import dev.culebra.train.DataConfig;
import dev.culebra.train.TrainConfig;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/** Run records for tests. */
final class Records {
  private Records() {}

  static final TrainConfig CONFIG = TrainConfig.of(Options.NONE.with(DataConfig.DATA, "macbeth"));

  /** A row, evaluated if its step is a multiple of 100. */
  static Metrics row(int step) {
    Float validation = step % 100 == 0 ? 2f + 1f / step : null;
    return new Metrics(step, 2 + 10f / step, validation, 1e-3f, 1, 1000, step / 10.0);
  }

  static List<Metrics> rows(int count) {
    return IntStream.rangeClosed(1, count).mapToObj(i -> row(10 * i)).toList();
  }

  static RunRecord run(String name, List<Metrics> metrics, Sample... samples) {
    return new RunRecord(
        name,
        false,
        CONFIG,
        OptionalLong.of(1234),
        metrics,
        List.of(samples),
        new RunData(OptionalDouble.empty()),
        Optional.empty(),
        Map.of());
  }
}
