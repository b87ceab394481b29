package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;

/**
 * Selects samples and rows for a page. Of every stretch of equal length it keeps the rows in which
 * a curve has its lowest and its highest value, so that no peak is lost.
 */
final class Thinning {
  /** The most rows on a page. */
  static final int LIMIT = 2000;

  /** The most samples of a run on a page. */
  static final int SAMPLE_LIMIT = 300;

  private static final List<ToDoubleFunction<Metrics>> CURVES =
      List.of(
          Metrics::loss,
          line -> line.validationLoss() == null ? Double.NaN : line.validationLoss(),
          Metrics::gradientNorm,
          Metrics::tokensPerSecond);

  private Thinning() {}

  /** At most {@code limit} of the rows, in order; all of them if they are fewer. */
  static List<Metrics> thin(List<Metrics> rows, int limit) {
    if (rows.size() <= limit) {
      return rows;
    }
    int stretches = Math.max(1, (limit - 2) / (2 * CURVES.size()));
    SortedSet<Integer> kept = new TreeSet<>(List.of(0, rows.size() - 1));
    for (int stretch = 0; stretch < stretches; stretch++) {
      int from = (int) ((long) rows.size() * stretch / stretches);
      int to = (int) ((long) rows.size() * (stretch + 1) / stretches);
      CURVES.forEach(curve -> addExtremes(rows, from, to, curve, kept));
    }
    List<Metrics> thinned = new ArrayList<>(kept.size());
    kept.forEach(index -> thinned.add(rows.get(index)));
    return thinned;
  }

  /**
   * All samples if they are at most {@code limit}; otherwise every second, fourth, eighth and so
   * on, and the last. In a live run the selection only changes when the number of samples has
   * doubled, so the one being viewed is not removed by the next.
   */
  static List<Sample> thinSamples(List<Sample> samples, int limit) {
    if (samples.size() <= limit) {
      return samples;
    }
    int stride = 2;
    while ((samples.size() - 2) / stride + 2 > limit) {
      stride *= 2;
    }
    List<Sample> thinned = new ArrayList<>();
    for (int i = 0; i < samples.size() - 1; i += stride) {
      thinned.add(samples.get(i));
    }
    thinned.add(samples.getLast());
    return thinned;
  }

  private static void addExtremes(
      List<Metrics> rows,
      int from,
      int to,
      ToDoubleFunction<Metrics> curve,
      SortedSet<Integer> kept) {
    int lowest = -1;
    int highest = -1;
    for (int i = from; i < to; i++) {
      double value = curve.applyAsDouble(rows.get(i));
      if (Double.isNaN(value)) {
        continue;
      }
      if (lowest < 0 || value < curve.applyAsDouble(rows.get(lowest))) {
        lowest = i;
      }
      if (highest < 0 || value > curve.applyAsDouble(rows.get(highest))) {
        highest = i;
      }
    }
    if (lowest >= 0) {
      kept.add(lowest);
      kept.add(highest);
    }
  }
}
