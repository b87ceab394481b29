package dev.culebra.examples.browser;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A headless Chromium, controlled by its DevTools protocol. */
public final class Browser implements AutoCloseable {
  static final int PATIENCE_SECONDS = 60;
  private static final int POLL_MILLIS = 20;
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

  private final Process process;
  private final WebSocket socket;
  private final AtomicInteger calls = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> pending = new ConcurrentHashMap<>();

  /** An event of a page. */
  record Event(String session, String method, JsonNode params) {}

  private final List<Event> events = new CopyOnWriteArrayList<>();

  private Browser(Process process, URI devTools) {
    this.process = process;
    this.socket =
        HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(devTools, new Ears()).join();
  }

  private static List<Path> executables(String path) {
    return NAMES.stream()
        .flatMap(
            name -> Stream.of(path.split(File.pathSeparator)).map(folder -> Path.of(folder, name)))
        .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
        .toList();
  }

  /**
   * Starts the first usable browser on a search path. Not every executable with that name is
   * usable: it may only explain how to install it, or be unable to read our files.
   *
   * @param path as in the environment's {@code PATH}
   * @param folder for its files
   * @throws NoBrowserException if there is none; the message says why
   */
  public static Browser start(String path, Path folder) throws Exception {
    List<String> reasons = new ArrayList<>();
    for (Path executable : executables(path)) {
      try {
        return start(executable, Files.createTempDirectory(folder, "browser"));
      } catch (IOException | IllegalStateException | CompletionException e) {
        reasons.add("%s does not start: %s".formatted(executable, e.getMessage()));
      }
    }
    throw new NoBrowserException(
        reasons.isEmpty() ? "no Chromium here" : String.join("; ", reasons));
  }

  /** There is no usable browser. */
  public static final class NoBrowserException extends Exception {
    private static final long serialVersionUID = 1L;

    NoBrowserException(String message) {
      super(message);
    }
  }

  private static Browser start(Path executable, Path folder) throws Exception {
    Process process =
        new ProcessBuilder(
                executable.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage", // containers have only 64 MB of it
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "--user-data-dir=" + folder,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("browser.log").toFile())
            .start();
    try {
      return new Browser(process, devTools(process, folder.resolve("DevToolsActivePort")));
    } catch (Exception e) {
      process.destroyForcibly().waitFor();
      throw e;
    }
  }

  /** When ready, the browser writes its port and its socket's path there. */
  private static URI devTools(Process process, Path file) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (true) {
      List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
      if (lines.size() >= 2) {
        return URI.create("ws://127.0.0.1:" + lines.get(0) + lines.get(1));
      }
      if (!process.isAlive() || System.nanoTime() > deadline) {
        Path log = file.resolveSibling("browser.log");
        throw new IllegalStateException("its output: " + Files.readString(log).strip());
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  /** Opens an empty page of this size; a phone has a touch screen and 2 pixels per CSS pixel. */
  public Page page(int width, int height, boolean phone, boolean dark) {
    JsonNode target = call(null, "Target.createTarget", Map.of("url", "about:blank"));
    String id = target.get("targetId").textValue();
    JsonNode session = call(null, "Target.attachToTarget", Map.of("targetId", id, "flatten", true));
    return new Page(this, session.get("sessionId").textValue(), width, height, phone, dark);
  }

  /** Calls a method and waits for its result. */
  JsonNode call(String session, String method, Map<String, ?> params) {
    int id = calls.incrementAndGet();
    ObjectNode message = JSON.createObjectNode().put("id", id).put("method", method);
    message.set("params", JSON.valueToTree(params));
    if (session != null) {
      message.put("sessionId", session);
    }
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    pending.put(id, answer);
    synchronized (socket) {
      socket.sendText(message.toString(), true).join();
    }
    return answer.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
  }

  /** The events of a page's session so far. */
  List<JsonNode> events(String session, String method) {
    return events.stream()
        .filter(event -> session.equals(event.session()) && method.equals(event.method()))
        .map(Event::params)
        .toList();
  }

  @Override
  public void close() throws Exception {
    try {
      call(null, "Browser.close", Map.of());
      process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } finally {
      process.destroyForcibly();
    }
  }

  /** Receives answers and events, which may come in pieces. */
  private final class Ears implements WebSocket.Listener {
    private final StringBuilder pieces = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence piece, boolean last) {
      pieces.append(piece);
      if (last) {
        try {
          hear(JSON.readTree(pieces.toString()));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
        pieces.setLength(0);
      }
      from.request(1);
      return null;
    }

    private void hear(JsonNode message) {
      if (!message.has("id")) {
        events.add(
            new Event(
                message.path("sessionId").asText(),
                message.get("method").textValue(),
                message.get("params")));
        return;
      }
      CompletableFuture<JsonNode> answer = pending.remove(message.get("id").intValue());
      if (message.has("error")) {
        answer.completeExceptionally(new IllegalStateException(message.get("error").toString()));
      } else {
        answer.complete(message.get("result"));
      }
    }
  }
}
