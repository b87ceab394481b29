package dev.culebra.examples.report;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.checkpoint.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Sends the events of a run to all watchers, on its own thread and a few times per second. Each
 * event is built once for all watchers, and rows that arrive together share one update of the
 * page's head.
 */
final class Broadcast implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(100);

  /** The most rows that may wait; beyond it, watchers get the whole state. */
  private static final int MOST_ROWS = 200;

  private final RunRecorder recorder;
  private final Collection<Watcher> watchers;
  private final Thread thread;
  private List<Metrics> rows = new ArrayList<>();
  private boolean all;

  /** Sends to {@code watchers}, a set that may change. */
  Broadcast(RunRecorder recorder, Collection<Watcher> watchers) {
    this.recorder = recorder;
    this.watchers = watchers;
    thread = Thread.ofPlatform().daemon().name("dashboard").start(this::run);
  }

  /** A step was logged; returns at once. */
  synchronized void row(Metrics row) {
    if (rows.size() < MOST_ROWS) {
      rows.add(row);
    } else {
      all = true;
    }
    notifyAll();
  }

  /** More than a row changed; returns at once. */
  synchronized void all() {
    all = true;
    notifyAll();
  }

  private void run() {
    try {
      while (true) {
        publish();
        Thread.sleep(PAUSE);
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  private void publish() throws InterruptedException {
    List<Metrics> news;
    boolean everything;
    synchronized (this) {
      while (rows.isEmpty() && !all) {
        wait();
      }
      news = rows;
      everything = all;
      rows = new ArrayList<>();
      all = false;
    }
    if (watchers.isEmpty()) {
      return;
    }
    if (everything) {
      watchers.forEach(watcher -> watcher.tell(Watcher.Event.ALL));
      return;
    }
    String facts = FactsHtml.of(List.of(recorder.record()));
    for (int i = 0; i < news.size(); i++) {
      ObjectNode data = ReportJson.object();
      if (i == news.size() - 1) {
        data.put("facts", facts);
      }
      data.set("row", ReportJson.row(news.get(i)));
      Watcher.Event event = new Watcher.Event(Watcher.Event.Kind.ROW, event("row", data));
      watchers.forEach(watcher -> watcher.tell(event));
    }
  }

  /** The whole state, as the event {@code name}. */
  String everything(String name) {
    List<RunRecord> runs = List.of(recorder.record());
    ObjectNode data = ReportJson.object();
    data.put("facts", FactsHtml.of(runs));
    data.set("page", ReportJson.page(runs, true));
    data.put("thinned", ReportPage.thinned(runs));
    data.put("samples", SamplesHtml.of(runs));
    return event(name, data);
  }

  private static String event(String name, ObjectNode data) {
    return "event: %s\ndata: %s\n\n".formatted(name, data);
  }

  /** Stops sending. */
  @Override
  public void close() {
    thread.interrupt();
  }
}
