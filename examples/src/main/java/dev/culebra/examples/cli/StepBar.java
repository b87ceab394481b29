package dev.culebra.examples.cli;

import dev.culebra.checkpoint.Metrics;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/**
 * The line on a terminal's standard error that shows how far a run is, redrawn in place a few times
 * a second:
 *
 * <pre>
 * step  820/2000 ━━━━━━━━━━━━━───────────────────  loss 1.9312  val loss 2.0124  21,480 tokens/s  0:42 left
 * </pre>
 */
final class StepBar implements AutoCloseable {
  private static final int REDRAW_MILLIS = 200;
  private static final int MAX_WIDTH = 40;
  private static final int MIN_WIDTH = 5;
  private static final String ERASE_LINE = "\r\u001B[2K";
  private static final String YELLOW = "\u001B[33m";
  private static final String GREY = "\u001B[90m";
  private static final String PLAIN = "\u001B[0m";

  private final ProgressBar bar;
  private final int steps;
  private final long tokensPerStep;
  private final boolean colour;
  private volatile String numbers = "";
  private volatile double secondsPerStep = Double.NaN;

  /** Draws the bar of a run that has taken {@code done} of {@code steps}. */
  StepBar(int done, int steps, long tokensPerStep, boolean colour) {
    this.steps = steps;
    this.tokensPerStep = tokensPerStep;
    this.colour = colour;
    bar =
        new ProgressBarBuilder()
            .setInitialMax(steps)
            .startsFrom(done, Duration.ZERO)
            .setUpdateIntervalMillis(REDRAW_MILLIS)
            .setConsumer(new Line())
            .setRenderer((state, width) -> line((int) state.getCurrent(), width))
            .build();
  }

  /** Prints a line as it is: the library's own way miscounts colours and cuts the end off. */
  private static final class Line extends ConsoleProgressBarConsumer {
    Line() {
      super(System.err);
    }

    @Override
    public void accept(String line) {
      System.err.print("\r" + line);
    }
  }

  void stepTo(int step) {
    bar.stepTo(step);
  }

  /** Shows the figures of a logged step; the time left follows from its speed. */
  void show(String numbers, Metrics metrics) {
    this.numbers = numbers;
    secondsPerStep = tokensPerStep / metrics.tokensPerSecond();
  }

  /** Makes room for other output; the next step draws the bar again, below it. */
  void erase() {
    bar.refresh();
    System.err.print(ERASE_LINE);
  }

  /** Leaves the bar as it stands and goes to the next line. */
  @Override
  public void close() {
    bar.close();
  }

  /** The line after {@code step}, exactly {@code width} columns. */
  private String line(int step, int width) {
    String count =
        String.format(Locale.ROOT, "step %" + Integer.toString(steps).length() + "d", step);
    String left = count + "/" + steps + " ";
    String right = numbers.isEmpty() ? "" : "  " + numbers + "  " + timeLeft(steps - step);
    int room = Math.min(MAX_WIDTH, width - left.length() - right.length());
    String text = left + (room < MIN_WIDTH ? "" : drawing(step, room)) + right;
    int columns = left.length() + (room < MIN_WIDTH ? 0 : room) + right.length();
    return columns > width ? text.substring(0, width) : text + " ".repeat(width - columns);
  }

  private String drawing(int step, int width) {
    int done = (int) ((long) width * step / steps);
    String heavy = "━".repeat(done);
    String light = "─".repeat(width - done);
    return colour ? YELLOW + heavy + GREY + light + PLAIN : heavy + light;
  }

  private String timeLeft(int stepsLeft) {
    Duration time = Duration.ofMillis((long) (1000 * stepsLeft * secondsPerStep));
    return time.toHours() > 0
        ? "%d:%02d:%02d left".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart())
        : "%d:%02d left".formatted(time.toMinutes(), time.toSecondsPart());
  }
}
