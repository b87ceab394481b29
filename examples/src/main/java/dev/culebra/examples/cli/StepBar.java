package dev.culebra.examples.cli;

/**
 * Shows a {@link StepLine} on standard error's terminal, below all other output. Its own thread
 * redraws it in place a few times per second, so that training never waits for it.
 *
 * <p>The cursor rests at the line's first column. If a narrower terminal breaks the line in two,
 * the cursor moves along, so that the next drawing covers both parts. No library is used, since
 * terminal libraries replace the JVM's signal handlers.
 */
final class StepBar implements AutoCloseable {
  private static final int REDRAW_MILLIS = 200;

  /** Truncates instead of wrapping while the terminal becomes narrower. */
  private static final String NO_WRAP = "\u001B[?7l";

  private static final String WRAP = "\u001B[?7h";
  private static final String ERASE_BELOW = "\u001B[J";

  private final StepLine line;
  private final Thread painter;
  private boolean closed;

  /** Draws {@code line} immediately and from now on. */
  StepBar(StepLine line) {
    this.line = line;
    draw();
    painter = Thread.ofPlatform().daemon().name("progress bar").start(this::keepDrawing);
  }

  private void keepDrawing() {
    try {
      while (true) {
        Thread.sleep(REDRAW_MILLIS);
        draw();
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  private synchronized void draw() {
    if (!closed) {
      System.err.print("\r" + drawn() + "\r");
      System.err.flush();
    }
  }

  /** Leaves out the last column, after which terminals behave differently. */
  private String drawn() {
    return NO_WRAP + line.text(Terminal.columns() - 1) + WRAP + ERASE_BELOW;
  }

  /** Lets {@code print} write complete lines in place of the bar, and redraws it below them. */
  synchronized void above(Runnable print) {
    if (!closed) {
      System.err.print("\r" + ERASE_BELOW);
      System.err.flush();
    }
    print.run();
    draw();
  }

  /** Keeps the bar as it is and moves to the next line. Closing twice is harmless. */
  @Override
  public synchronized void close() {
    if (!closed) {
      System.err.println("\r" + drawn());
      closed = true;
      painter.interrupt();
    }
  }
}
