package dev.culebra.bench.race;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.Median;
import dev.culebra.bench.OpsBackend;
import dev.culebra.bench.profile.Clock;
import dev.culebra.bench.profile.MachineRates;
import dev.culebra.bench.profile.ProfiledOps;
import java.util.List;
import java.util.Locale;

/**
 * Where the time of Culebra's step on a course goes.
 *
 * @param steps that were counted
 * @param stepNanos the median of them, with what lies between the operations
 */
record StepProfile(
    Course course,
    int steps,
    double stepNanos,
    List<ProfiledOps.Entry> entries,
    MachineRates rates) {

  static StepProfile of(Course course, int threads, int rounds) {
    Backend cpu = new CpuBackend(threads);
    ProfiledOps ops = new ProfiledOps(cpu.ops(), Clock.WALL);
    try (Contestant contestant = new CulebraContestant(course, new OpsBackend(cpu, ops.timed()))) {
      for (int i = 0; i < course.warmupSteps(); i++) {
        contestant.step();
      }
      ops.reset();
      int steps = rounds * course.lapSteps();
      long[] nanos = new long[steps];
      for (int i = 0; i < steps; i++) {
        long start = System.nanoTime();
        contestant.step();
        nanos[i] = System.nanoTime() - start;
      }
      return new StepProfile(
          course, steps, Median.of(nanos), ops.entries(), MachineRates.measure(threads));
    }
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "**%s**: %s; %.2f ms a step, median of %d, as all times below; %s%n%n",
            course,
            course.describe(),
            stepNanos / 1e6,
            steps,
            rates.describe()));
    text.append("| operation | shape | calls a step | ms a step | share | rate |\n");
    text.append("|---|---|---:|---:|---:|---:|\n");
    double counted = 0;
    for (ProfiledOps.Entry entry : entries) {
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

  private String row(ProfiledOps.Entry entry) {
    String rate =
        entry.flops() > 0
            ? "%.0f GFLOP/s".formatted(entry.flops() / entry.medianNanos())
            : "%.1f GB/s".formatted(entry.bytes() / entry.medianNanos());
    return String.format(
        Locale.ROOT,
        "| %s | %s | %d | %.3f | %.1f %% | %s |%n",
        entry.op(),
        entry.shape(),
        entry.calls() / steps,
        entry.nanos() / 1e6 / steps,
        100 * entry.nanos() / steps / stepNanos,
        rate);
  }
}
