package dev.culebra.examples.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ThinningTest {
  @Test
  void shortListsStayComplete() {
    List<Metrics> rows = Records.rows(2000);
    assertThat(Thinning.thin(rows, 2000)).isSameAs(rows);
    assertThat(Thinning.thin(List.of(), 2000)).isEmpty();
  }

  @Test
  void peaksEvaluationsAndEndsAreKept() {
    List<Metrics> rows = new ArrayList<>(Records.rows(50_000));
    Metrics peak = new Metrics(123_450, 77, null, 1e-3f, 1, 1000, 1);
    Metrics dip = new Metrics(234_560, 2, null, 1e-3f, 0.001f, 1000, 1);
    Metrics pause = new Metrics(345_670, 2, null, 1e-3f, 1, 3, 1);
    List.of(peak, dip, pause).forEach(row -> rows.set(row.step() / 10 - 1, row));
    // An evaluation every 1,000 steps, as in long runs.
    rows.replaceAll(ThinningTest::seldomEvaluated);

    List<Metrics> thin = Thinning.thin(rows, 2000);

    assertThat(thin)
        .hasSizeBetween(500, 2000)
        .isSortedAccordingTo(Comparator.comparingInt(Metrics::step))
        .contains(rows.getFirst(), rows.getLast(), peak, dip, pause);
    assertThat(rows).containsAll(thin);
    double best =
        rows.stream()
            .filter(r -> r.validationLoss() != null)
            .mapToDouble(Metrics::validationLoss)
            .min()
            .orElseThrow();
    assertThat(thin).anyMatch(r -> r.validationLoss() != null && r.validationLoss() == best);
  }

  private static Metrics seldomEvaluated(Metrics row) {
    Float validation = row.step() % 1000 == 0 ? row.validationLoss() : null;
    return new Metrics(
        row.step(),
        row.loss(),
        validation,
        row.learningRate(),
        row.gradientNorm(),
        row.tokensPerSecond(),
        row.seconds());
  }

  @Test
  void nonFiniteFiguresAreNotPeaks() {
    List<Metrics> rows = new ArrayList<>(Records.rows(100));
    rows.replaceAll(row -> new Metrics(row.step(), Float.NaN, null, 0, Float.NaN, Double.NaN, 1));
    assertThat(Thinning.thin(rows, 20)).containsExactly(rows.getFirst(), rows.getLast());
  }

  private static List<Sample> samples(int count) {
    return IntStream.rangeClosed(1, count).mapToObj(i -> new Sample(10 * i, "text " + i)).toList();
  }

  @Test
  void manySamplesAreThinnedEvenly() {
    for (int few : new int[] {0, 1, 2, 300}) {
      assertThat(Thinning.thinSamples(samples(few), 300)).isEqualTo(samples(few));
    }
    for (int many : new int[] {301, 599, 600, 601, 10_000, 1_000_000}) {
      List<Sample> all = samples(many);
      List<Sample> thin = Thinning.thinSamples(all, 300);
      assertThat(thin)
          .hasSizeBetween(150, 300)
          .startsWith(all.getFirst())
          .endsWith(all.getLast())
          .isSortedAccordingTo(Comparator.comparingInt(Sample::step));
      int distance = thin.get(1).step() - thin.get(0).step();
      for (int i = 1; i < thin.size() - 1; i++) {
        assertThat(thin.get(i).step() - thin.get(i - 1).step()).isEqualTo(distance);
      }
    }
  }

  @Test
  void theViewedSampleStaysDuringARun() {
    List<Sample> before = Thinning.thinSamples(samples(700), 300);
    List<Sample> after = Thinning.thinSamples(samples(1100), 300);
    assertThat(after).containsAll(before.subList(0, before.size() - 1));
  }
}
