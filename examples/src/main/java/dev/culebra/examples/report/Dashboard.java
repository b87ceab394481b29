package dev.culebra.examples.report;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.io.FileErrors;
import dev.culebra.train.TrainListener;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Serves the live report of a run and sends each logged step to its page. Listens on the loopback
 * address only, and answers only requests whose Host is a local name, so that DNS rebinding by
 * another site reveals nothing.
 *
 * <p>The training thread passes events to {@link Broadcast} and never waits: each watcher has its
 * own thread and queue.
 */
public final class Dashboard implements TrainListener, AutoCloseable {
  private static final Set<String> NAMES = Set.of("localhost", "127.0.0.1", "[::1]");
  private static final int FORBIDDEN = 403;
  private static final int NOT_FOUND = 404;
  private static final int WRONG_METHOD = 405;

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final ReportPage page = new ReportPage();
  private final Set<Watcher> watchers = ConcurrentHashMap.newKeySet();
  private final String host;
  private RunRecorder recorder;
  private Broadcast broadcast;
  private volatile boolean ended;

  private Dashboard(HttpServer server) {
    this.server = server;
    InetAddress address = server.getAddress().getAddress();
    String literal = address.getHostAddress();
    host = literal.contains(":") ? "[" + literal.replaceFirst("%.*", "") + "]" : literal;
    server.setExecutor(threads);
    server.createContext("/", this::handle);
  }

  /**
   * Opens the port; nothing is served before {@link #begin}.
   *
   * @param port 0 for any free port
   * @throws IOException with one line, if the port cannot be opened
   */
  public static Dashboard open(int port) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try {
      return new Dashboard(HttpServer.create(new InetSocketAddress(loopback, port), 0));
    } catch (IOException e) {
      String reason = FileErrors.reason(e).toLowerCase(Locale.ROOT);
      throw new IOException("cannot serve a dashboard on port %d: %s".formatted(port, reason), e);
    }
  }

  /** The address for a browser. */
  public String url() {
    return "http://%s:%d/".formatted(host, server.getAddress().getPort());
  }

  /**
   * Starts serving a run.
   *
   * @param recorder receives all events before this object does
   */
  public void begin(RunRecorder recorder) {
    this.recorder = recorder;
    broadcast = new Broadcast(recorder, watchers);
    server.start();
  }

  @Override
  public void onMetrics(Metrics metrics) {
    broadcast.row(metrics);
  }

  @Override
  public void onSample(int step, String text) {
    broadcast.all();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      if (!isOurs(exchange.getRequestHeaders().getFirst("Host"))) {
        answer(exchange, FORBIDDEN, "text/plain", "This is " + url());
      } else if (!exchange.getRequestMethod().equals("GET") && !isHead(exchange)) {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        answer(exchange, WRONG_METHOD, "text/plain", "GET only");
      } else {
        switch (exchange.getRequestURI().getPath()) {
          case "/" -> answer(exchange, 200, "text/html", page.of(List.of(recorder.record()), true));
          case "/events" -> watch(exchange);
          default -> answer(exchange, NOT_FOUND, "text/plain", "Nothing here; see /");
        }
      }
    }
  }

  private static boolean isHead(HttpExchange exchange) {
    return exchange.getRequestMethod().equals("HEAD");
  }

  /** The port may differ: the request may come through a tunnel. */
  private static boolean isOurs(String host) {
    return host != null && NAMES.contains(host.toLowerCase(Locale.ROOT).replaceFirst(":\\d+$", ""));
  }

  private static void answer(HttpExchange exchange, int code, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
    if (isHead(exchange)) {
      // For any other length the server prints a warning on the terminal.
      exchange.sendResponseHeaders(code, -1);
      return;
    }
    exchange.sendResponseHeaders(code, body.length);
    exchange.getResponseBody().write(body);
  }

  private void watch(HttpExchange exchange) throws IOException {
    if (isHead(exchange)) {
      answer(exchange, 200, "text/event-stream", "");
      return;
    }
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.sendResponseHeaders(200, 0);
    Watcher watcher = new Watcher(broadcast::everything, exchange.getResponseBody());
    watchers.add(watcher);
    try {
      if (ended) {
        watcher.tell(Watcher.Event.END); // it may have been added too late for close() to find it
      }
      watcher.run();
    } finally {
      watchers.remove(watcher);
    }
  }

  /**
   * Tells the watchers that the run is over, gives them a moment to receive it, and stops serving.
   * Closing twice is harmless.
   */
  @Override
  public void close() {
    ended = true;
    if (broadcast != null) {
      broadcast.close();
    }
    watchers.forEach(watcher -> watcher.tell(Watcher.Event.END));
    Watcher.awaitAll(watchers);
    server.stop(0);
    threads.shutdownNow();
  }
}
