package dev.culebra.bench.race;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.OpsBackend;
import dev.culebra.bench.profile.MachineRates;
import dev.culebra.bench.profile.ProfiledOps;
import java.util.List;
import java.util.Locale;

/**
 * Where the time of Culebra's step on a course goes.
 *
 * @param steps that were counted
 * @param nanos of all of them, with what lies between the operations
 */
record StepProfile(
    Course course, int steps, long nanos, List<ProfiledOps.Entry> entries, MachineRates rates) {

  static StepProfile of(Course course, int threads, int rounds) {
    Backend cpu = new CpuBackend(threads);
    ProfiledOps ops = new ProfiledOps(cpu.ops());
    try (Contestant contestant = new CulebraContestant(course, new OpsBackend(cpu, ops.timed()))) {
      for (int i = 0; i < course.warmupSteps(); i++) {
        contestant.step();
      }
      ops.reset();
      int steps = rounds * course.lapSteps();
      long start = System.nanoTime();
      for (int i = 0; i < steps; i++) {
        contestant.step();
      }
      long nanos = System.nanoTime() - start;
      return new StepProfile(course, steps, nanos, ops.entries(), MachineRates.measure(threads));
    }
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "**%s**: %s; %.2f ms a step, mean of %d; %s%n%n",
            course,
            course.describe(),
            nanos / 1e6 / steps,
            steps,
            rates.describe()));
    text.append("| operation | shape | calls a step | ms a step | share | rate |\n");
    text.append("|---|---|---:|---:|---:|---:|\n");
    long counted = 0;
    for (ProfiledOps.Entry entry : entries) {
      text.append(row(entry));
      counted += entry.nanos();
    }
    text.append(
        String.format(
            Locale.ROOT,
            "| between the operations | | | %.3f | %.1f %% | |%n",
            (nanos - counted) / 1e6 / steps,
            100.0 * (nanos - counted) / nanos));
    return text.toString();
  }

  private String row(ProfiledOps.Entry entry) {
    String rate =
        entry.flops() > 0
            ? "%.0f GFLOP/s".formatted(entry.flops() / entry.nanos())
            : "%.1f GB/s".formatted(entry.bytes() / entry.nanos());
    return String.format(
        Locale.ROOT,
        "| %s | %s | %d | %.3f | %.1f %% | %s |%n",
        entry.op(),
        entry.shape(),
        entry.calls() / steps,
        entry.nanos() / 1e6 / steps,
        100.0 * entry.nanos() / nanos,
        rate);
  }
}
