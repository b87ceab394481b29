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
 * One open page: server-sent events, written on this watcher's own thread. It first gets the whole
 * state, then updates. If it reads too slowly, unread updates are dropped and it gets the whole
 * state again.
 */
final class Watcher {
  private static final int QUEUE = 256;
  private static final Duration HEARTBEAT = Duration.ofSeconds(15);

  /** The longest wait of {@link #awaitAll}. */
  static final Duration FAREWELL = Duration.ofSeconds(3);

  /**
   * An event.
   *
   * @param text as sent, built once for all watchers; null if it is built when it is sent
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
   * Sends a run's events over an open response.
   *
   * @param all gives the event with the whole state, by its name
   */
  Watcher(UnaryOperator<String> all, OutputStream out) {
    this.all = all;
    this.out = out;
    queue.add(Event.ALL);
  }

  /** Queues an event without waiting. */
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

  /** Also closes the response: a browser treats an unfinished one as an error. */
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
   * After a certain number of rows, sends the whole, thinned state instead of a row: a page that is
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

  /** A comment if nothing happened: only a write shows that a page was closed. */
  private String text(Event event) {
    if (event == null) {
      return ": nothing new\n\n";
    }
    return event.text() != null
        ? event.text()
        : all.apply(event.kind().name().toLowerCase(Locale.ROOT));
  }

  /** Waits briefly until all watchers have received the end or can no longer do so. */
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
