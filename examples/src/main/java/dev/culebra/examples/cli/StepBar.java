package dev.culebra.examples.cli;

/**
 * Keeps a {@link StepLine} on the terminal that standard error is, below all other output: redrawn
 * in place a few times a second by a thread of its own, so that training never waits for it.
 *
 * <p>The cursor rests at the line's first column. A terminal that breaks the line in two when it
 * becomes narrower takes the cursor along, so that drawing again covers both parts. No library
 * draws it: those that know terminals replace the JVM's signal handlers.
 */
final class StepBar implements AutoCloseable {
  private static final int REDRAW_MILLIS = 200;

  /** What does not fit, while the terminal becomes narrower, is cut off instead of wrapped. */
  private static final String NO_WRAP = "\u001B[?7l";

  private static final String WRAP = "\u001B[?7h";
  private static final String ERASE_BELOW = "\u001B[J";

  private final StepLine line;
  private final Thread painter;
  private boolean closed;

  /** Draws {@code line} at once and from now on. */
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

  /** Not into the last column, behind which terminals differ. */
  private String drawn() {
    return NO_WRAP + line.text(Terminal.columns() - 1) + WRAP + ERASE_BELOW;
  }

  /** Lets {@code print} write whole lines where the bar was, and draws it again below them. */
  synchronized void above(Runnable print) {
    if (!closed) {
      System.err.print("\r" + ERASE_BELOW);
      System.err.flush();
    }
    print.run();
    draw();
  }

  /** Leaves the bar as it stands and goes to the next line. Closing twice is harmless. */
  @Override
  public synchronized void close() {
    if (!closed) {
      System.err.println("\r" + drawn());
      closed = true;
      painter.interrupt();
    }
  }
}
