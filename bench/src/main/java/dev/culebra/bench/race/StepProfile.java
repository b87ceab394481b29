package dev.culebra.bench.race;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OpCall;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.Median;
import dev.culebra.bench.profile.Clock;
import dev.culebra.bench.profile.MachineRates;
import dev.culebra.bench.profile.OpProfile;
import java.util.List;
import java.util.Locale;

/**
 * Where Culebra's step on a course spends its time.
 *
 * @param steps number of timed steps
 * @param stepNanos their median, including the time between operations
 */
record StepProfile(
    Course course, int steps, double stepNanos, List<OpProfile.Entry> entries, MachineRates rates) {

  static StepProfile of(Course course, int threads, int rounds) {
    Backend cpu = new CpuBackend(threads);
    try (Contestant contestant = new CulebraContestant(course, cpu)) {
      for (int i = 0; i < course.warmupSteps(); i++) {
        contestant.step();
      }
      OpProfile profile = new OpProfile(Clock.WALL);
      cpu.ops().listen(profile);
      int steps = rounds * course.lapSteps();
      long[] nanos = new long[steps];
      for (int i = 0; i < steps; i++) {
        long start = System.nanoTime();
        contestant.step();
        nanos[i] = System.nanoTime() - start;
      }
      return new StepProfile(
          course, steps, Median.of(nanos), profile.entries(), MachineRates.measure(threads));
    }
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "**%s**: %s; %.2f ms per step; all times are medians of %d; %s%n%n",
            course,
            course.describe(),
            stepNanos / 1e6,
            steps,
            rates.describe()));
    text.append("| operation | shape | calls per step | ms per step | share | rate |\n");
    text.append("|---|---|---:|---:|---:|---:|\n");
    double counted = 0;
    for (OpProfile.Entry entry : entries) {
      text.append(row(entry));
      counted += entry.nanos() / steps;
    }
    double between = stepNanos - counted;
    text.append(
        String.format(
            Locale.ROOT,
            "| between the operations | | | %.3f | %.1f %% | |%n",
            between / 1e6,
            100 * between / stepNanos));
    return text.toString();
  }

  private String row(OpProfile.Entry entry) {
    OpCall call = entry.call();
    String rate =
        call.flops() > 0
            ? "%.0f GFLOP/s".formatted(call.flops() / entry.medianNanos())
            : "%.1f GB/s".formatted(call.bytes() / entry.medianNanos());
    return String.format(
        Locale.ROOT,
        "| %s | %s | %d | %.3f | %.1f %% | %s |%n",
        call.op(),
        call.shape(),
        entry.calls() / steps,
        entry.nanos() / 1e6 / steps,
        100 * entry.nanos() / steps / stepNanos,
        rate);
  }
}
