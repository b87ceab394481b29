package dev.culebra.examples.cli;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.train.Progress;
import dev.culebra.train.TrainConfig;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * One line with the progress of a run, as wide as the terminal allows:
 *
 * <pre>
 * step  820/2000 ━━━━━━━━━━━━━───────────────────  loss 1.9312  val loss 2.0124  21,480 tokens/s  0:42 left
 * step  820/2000 ━━━━━━━━━━━━━─────────  loss 1.9312  0:42 left
 * </pre>
 *
 * One thread updates it, another may read its text.
 */
final class StepLine {
  private static final int MOST_DRAWING = 40;
  private static final int LEAST_DRAWING = 8;
  private static final String YELLOW = "\u001B[33m";
  private static final String GREY = "\u001B[90m";
  private static final String PLAIN = "\u001B[0m";

  private final TrainConfig config;
  private final boolean colour;
  private final long began = System.nanoTime();
  private final double goneBefore;
  private volatile int step;
  private volatile Figures figures;

  /** The figures of the last logged step, kept together. */
  private record Figures(
      String loss,
      String validation,
      String speed,
      int step,
      double seconds,
      double secondsPerStep) {}

  /** For a run at step {@code start}. */
  StepLine(Progress start, TrainConfig config, boolean colour) {
    this.config = config;
    this.colour = colour;
    step = start.step();
    goneBefore = config.training().timeGone(start.seconds());
  }

  void stepTo(int step) {
    this.step = step;
  }

  /** Shows the figures of a logged step; the remaining time is estimated from its speed. */
  void show(Metrics metrics) {
    String validation = figures == null ? "" : figures.validation;
    if (metrics.validationLoss() != null) {
      validation = String.format(Locale.ROOT, "  val loss %.4f", metrics.validationLoss());
    }
    figures =
        new Figures(
            String.format(Locale.ROOT, "  loss %.4f", metrics.loss()),
            validation,
            String.format(
                Locale.ROOT,
                "  %,.0f tokens/s%s",
                metrics.tokensPerSecond(),
                TrainDisplay.utilisation(metrics)),
            metrics.step(),
            metrics.seconds(),
            config.tokensPerStep() / metrics.tokensPerSecond());
  }

  /**
   * The text in at most {@code columns}, not counting colours: the least important parts are
   * dropped first.
   */
  String text(int columns) {
    int now = step;
    String count = count(now, config);
    for (String rest : rests(now)) {
      int room = Math.min(MOST_DRAWING, columns - count.length() - 1 - rest.length());
      if (room >= LEAST_DRAWING) {
        return count + " " + drawing(now, room) + rest;
      }
    }
    return count.substring(0, Math.min(count.length(), Math.max(0, columns)));
  }

  /**
   * {@code step 820/2000}, always of the same length; without a total if only time ends the run.
   */
  static String count(int step, TrainConfig config) {
    int steps = config.training().steps();
    return config.training().endsByTimeOnly()
        ? "step " + step
        : String.format(
            Locale.ROOT, "step %" + Integer.toString(steps).length() + "d/%d", step, steps);
  }

  /** The possible texts after the bar, longest first. */
  private List<String> rests(int now) {
    Figures last = figures;
    if (last == null) {
      return List.of("  " + clock(Duration.ofNanos(System.nanoTime() - began)) + " gone", "");
    }
    double secondsLeft = (config.training().steps() - now) * last.secondsPerStep;
    if (config.training().minutes() > 0) {
      secondsLeft =
          Math.min(secondsLeft, Math.max(0, 60 * config.training().minutes() - seconds(now, last)));
    }
    Duration left = Duration.ofMillis((long) (1000 * secondsLeft));
    String time = "  " + clock(left) + " left";
    return List.of(
        last.loss + last.validation + last.speed + time,
        last.loss + last.validation + time,
        last.loss + time,
        last.loss,
        "");
  }

  private String drawing(int now, int width) {
    Figures last = figures;
    double gone = last == null ? goneBefore : config.training().timeGone(seconds(now, last));
    int done = (int) (width * Math.max(gone, (double) now / config.training().steps()));
    String heavy = "━".repeat(done);
    String light = "─".repeat(width - done);
    return colour ? YELLOW + heavy + GREY + light + PLAIN : heavy + light;
  }

  /** Seconds of training after step {@code now}. */
  private static double seconds(int now, Figures last) {
    return last.seconds + (now - last.step) * last.secondsPerStep;
  }

  private static String clock(Duration time) {
    return time.toHours() > 0
        ? "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart())
        : "%d:%02d".formatted(time.toMinutes(), time.toSecondsPart());
  }
}
