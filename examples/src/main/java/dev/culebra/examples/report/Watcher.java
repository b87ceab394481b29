package dev.culebra.examples.report;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * One open page: server-sent events, written on this watcher's own thread. It hears all there is at
 * first, then what comes. One that reads too slowly for that loses what it has not read and hears
 * all there is again.
 */
final class Watcher {
  private static final int QUEUE = 256;
  private static final Duration HEARTBEAT = Duration.ofSeconds(15);

  /** How long {@link #awaitAll} waits at most. */
  static final Duration FAREWELL = Duration.ofSeconds(3);

  /**
   * What happened.
   *
   * @param text as it is sent, made once for all watchers; null where it is asked for when it is
   *     sent
   */
  record Event(Kind kind, String text) {
    static final Event ALL = new Event(Kind.ALL, null);
    static final Event END = new Event(Kind.END, null);

    enum Kind {
      ROW,
      ALL,
      END
    }
  }

  private final UnaryOperator<String> all;
  private final OutputStream out;
  private final BlockingQueue<Event> queue = new LinkedBlockingQueue<>(QUEUE);
  private final CountDownLatch gone = new CountDownLatch(1);
  private int rowsInSuccession;

  /**
   * Of a run, over an open answer.
   *
   * @param all what an event with all there is says, by its name
   */
  Watcher(UnaryOperator<String> all, OutputStream out) {
    this.all = all;
    this.out = out;
    queue.add(Event.ALL);
  }

  /** Hands an event over without waiting. */
  synchronized void tell(Event event) {
    if (!queue.offer(event)) {
      boolean end = event.kind() == Event.Kind.END;
      queue.clear();
      queue.add(end ? event : Event.ALL);
    }
  }

  /** Writes until the run ends or the page is closed. */
  void run() {
    try {
      write();
    } catch (IOException e) {
      // the page was closed
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      gone.countDown();
    }
  }

  /** Closes the answer too: a browser takes one without its end for an error. */
  private void write() throws IOException, InterruptedException {
    try (out) {
      Event.Kind kind;
      do {
        Event event = bounded(queue.poll(HEARTBEAT.toSeconds(), TimeUnit.SECONDS));
        kind = event == null ? null : event.kind();
        out.write(text(event).getBytes(StandardCharsets.UTF_8));
        out.flush();
      } while (kind != Event.Kind.END);
    }
  }

  /**
   * All there is, which is thinned, in place of the row after so many single ones: a page that is
   * open for days must not grow with every step.
   */
  private Event bounded(Event event) {
    if (event == null) {
      return null;
    }
    rowsInSuccession = event.kind() == Event.Kind.ROW ? rowsInSuccession + 1 : 0;
    if (rowsInSuccession <= Thinning.LIMIT) {
      return event;
    }
    rowsInSuccession = 0;
    return Event.ALL;
  }

  /** A comment where nothing happened: only writing shows that a page was closed. */
  private String text(Event event) {
    if (event == null) {
      return ": nothing new\n\n";
    }
    return event.text() != null
        ? event.text()
        : all.apply(event.kind().name().toLowerCase(Locale.ROOT));
  }

  /** Waits a moment until all have heard of the end, or are not going to. */
  static void awaitAll(Collection<Watcher> watchers) {
    long deadline = System.nanoTime() + FAREWELL.toNanos();
    try {
      for (Watcher watcher : watchers) {
        watcher.gone.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
