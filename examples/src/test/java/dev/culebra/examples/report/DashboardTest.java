package dev.culebra.examples.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.checkpoint.Metrics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DashboardTest {
  private static final int MANY = 20_000;

  /** Rows that are sent together, without a pause in between. */
  private static final int AT_ONCE = 100;

  private final RunRecorder recorder =
      new RunRecorder(
          new RunRecord(
              "run",
              true,
              Records.CONFIG,
              OptionalLong.empty(),
              List.of(),
              List.of(),
              new RunData(OptionalDouble.empty()),
              Optional.empty(),
              Map.of()));
  private Dashboard dashboard;

  @BeforeEach
  void open() throws IOException {
    dashboard = Dashboard.open(0);
    dashboard.begin(recorder);
  }

  @AfterEach
  void close() {
    dashboard.close();
  }

  private void log(int step) {
    Metrics row = Records.row(step);
    recorder.onMetrics(row);
    dashboard.onMetrics(row);
  }

  private HttpResponse<String> get(String path) throws Exception {
    return ask("GET", path);
  }

  private HttpResponse<String> ask(String method, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(dashboard.url()).resolve(path))
            .method(method, BodyPublishers.noBody())
            .build();
    return HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
  }

  /** A page that receives events. */
  private final class Client implements AutoCloseable {
    private final BufferedReader in;

    Client() throws Exception {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(dashboard.url()).resolve("/events")).build();
      in =
          new BufferedReader(
              new InputStreamReader(
                  HttpClient.newHttpClient().send(request, BodyHandlers.ofInputStream()).body(),
                  StandardCharsets.UTF_8));
    }

    /** The next event's name and data. */
    Map.Entry<String, JsonNode> event() throws IOException {
      String line = in.readLine();
      while (!line.startsWith("event: ")) {
        line = in.readLine();
      }
      String data = in.readLine();
      assertThat(data).startsWith("data: ");
      return Map.entry(
          line.substring("event: ".length()),
          JsonMapper.builder().build().readTree(data.substring("data: ".length())));
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  /** Sends a request by hand; the answer need not be read. */
  private Socket send(String method, String path, String host) throws IOException {
    URI address = URI.create(dashboard.url());
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4096); // little data is buffered for a client that does not read
    socket.connect(new InetSocketAddress(address.getHost(), address.getPort()));
    String request = method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private void assertAnswer(String method, String path, String host, int code) throws IOException {
    try (Socket socket = send(method, path, host);
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(in.readLine()).as(host).startsWith("HTTP/1.1 " + code);
    }
  }

  @Test
  void thePageIsLive() throws Exception {
    log(10);
    HttpResponse<String> page = get("/");

    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("content-type")).hasValue("text/html; charset=utf-8");
    assertThat(page.body()).contains("{\"live\":true", "[[10,", "connect-src 'self'");
    assertThat(get("/else").statusCode()).isEqualTo(404);
    assertThat(get("/events/../x").statusCode()).isEqualTo(404);
  }

  @Test
  void eventsArriveAsTheyHappen() throws Exception {
    try (Client client = new Client()) {
      assertThat(client.event().getKey()).isEqualTo("all");
      log(10);
      Map.Entry<String, JsonNode> row = client.event();
      assertThat(row.getKey()).isEqualTo("row");
      assertThat(row.getValue().at("/row/0").intValue()).isEqualTo(10);
      assertThat(row.getValue().get("facts").textValue()).contains("<dd>10 ");

      recorder.onSample(10, "<i>text");
      dashboard.onSample(10, "<i>text");
      Map.Entry<String, JsonNode> sample = client.event();
      assertThat(sample.getKey()).isEqualTo("all");
      assertThat(sample.getValue().get("samples").textValue()).contains("&lt;i&gt;text");

      recorder.end(recorder.record().config());
      dashboard.close();
      Map.Entry<String, JsonNode> end = client.event();
      assertThat(end.getKey()).isEqualTo("end");
      assertThat(end.getValue().get("facts").textValue()).contains("stopped");
      assertThat(client.in.readLine()).isEmpty();
      assertThat(client.in.readLine()).isNull(); // the response is complete
    }
  }

  @Test
  void lateAndReconnectingWatchersGetTheWholeState() throws Exception {
    for (int visit = 1; visit <= 3; visit++) {
      log(10 * visit);
      try (Client client = new Client()) {
        assertThat(client.event().getValue().at("/page/runs/0/rows")).hasSize(visit);
      }
    }
  }

  @Test
  void aWatcherThatNeverReadsBlocksNothing() throws Exception {
    for (int step = 1; step <= 16; step++) {
      recorder.onSample(step, "x".repeat(1 << 20)); // far more than the system buffers
    }
    List<Socket> deaf = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      deaf.add(send("GET", "/events", URI.create(dashboard.url()).getAuthority()));
    }
    try (Client client = new Client()) {
      client.event();
      long start = System.nanoTime();
      for (int step = 1; step <= MANY; step++) {
        dashboard.onMetrics(Records.row(step));
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
      assertThat(client.event().getKey()).isIn("row", "all"); // the others continue
    }
    long start = System.nanoTime();
    dashboard.close();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThanOrEqualTo(
            Watcher.FAREWELL) // they were waited for, since their threads are blocked
        .isLessThan(Duration.ofSeconds(10));
    for (Socket client : deaf) {
      client.close();
    }
  }

  @Test
  void manyWatchersDoNotSlowTheTraining() throws Exception {
    for (int step = 1; step <= MANY; step++) {
      recorder.onMetrics(Records.row(step));
    }
    List<Client> clients = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      Client client = new Client();
      clients.add(client);
      Thread.ofVirtual().start(() -> readOn(client));
    }
    long start = System.nanoTime();
    for (int step = MANY + 1; step <= 2 * MANY; step++) {
      log(step);
    }
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    dashboard.close(); // ends the clients' streams; they cannot be closed while reading
    for (Client client : clients) {
      client.close();
    }
    assertThat(took).isLessThan(Duration.ofSeconds(2)); // 100 µs per row
  }

  private static void readOn(Client client) {
    try {
      while (true) {
        client.event();
      }
    } catch (IOException | RuntimeException e) {
      // closed
    }
  }

  @Test
  void aSlowWatcherCatchesUp() throws Exception {
    try (Client client = new Client()) {
      client.event();
      for (int step = 1; step <= 2000; step++) {
        log(step); // more than its queue holds
      }
      int last = 0;
      while (last < 2000) {
        Map.Entry<String, JsonNode> event = client.event();
        JsonNode rows = event.getValue().at("/page/runs/0/rows");
        JsonNode row =
            event.getKey().equals("row") ? event.getValue().get("row") : rows.get(rows.size() - 1);
        last = Math.max(last, row.get(0).intValue());
      }
    }
  }

  @Test
  void aPageThatIsOpenForDaysDoesNotGrow() throws Exception {
    try (Client client = new Client()) {
      client.event();
      int rows = 0;
      for (int step = 1; step <= 2 * Thinning.LIMIT; step++) {
        if (step % AT_ONCE == 1) {
          IntStream.range(step, step + AT_ONCE).forEach(this::log);
        }
        Map.Entry<String, JsonNode> event = client.event(); // it keeps up
        if (event.getKey().equals("row")) {
          rows++;
          continue;
        }
        assertThat(rows).isEqualTo(Thinning.LIMIT);
        assertThat(event.getValue().at("/page/runs/0/rows"))
            .hasSizeLessThanOrEqualTo(Thinning.LIMIT);
        assertThat(event.getValue().get("thinned").textValue()).contains("logged steps per run");
        return;
      }
    }
    throw new AssertionError("only single rows came");
  }

  @Test
  void headIsLikeGetWithoutABody() throws Exception {
    List<String> logged = new CopyOnWriteArrayList<>();
    Logger logger = Logger.getLogger("com.sun.net.httpserver");
    Handler terminal =
        new StreamHandler() {
          @Override
          public void publish(LogRecord entry) {
            logged.add(entry.getMessage());
          }
        };
    logger.addHandler(terminal);
    try {
      Map<String, Integer> codes = Map.of("/", 200, "/events", 200, "/else", 404);
      for (String path : codes.keySet()) {
        HttpResponse<String> head = ask("HEAD", path);
        assertThat(head.statusCode()).isEqualTo(codes.get(path));
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().firstValue("content-type")).isPresent();
      }
    } finally {
      logger.removeHandler(terminal);
    }
    assertThat(logged).isEmpty();
    HttpResponse<String> post = ask("POST", "/");
    assertThat(post.statusCode()).isEqualTo(405);
    assertThat(post.headers().firstValue("allow")).hasValue("GET, HEAD");
  }

  @Test
  void requestsFromOtherSitesAreRejected() throws Exception {
    String own = URI.create(dashboard.url()).getAuthority();
    for (String host : List.of("evil.example", own.replaceFirst(".*:", "evil.example:"), "")) {
      assertAnswer("GET", "/", host, 403);
      assertAnswer("GET", "/events", host, 403);
    }
    for (String host : List.of("LOCALHOST:7", "127.0.0.1", "[::1]:9000")) {
      assertAnswer("GET", "/", host, 200); // also through a tunnel
    }
    assertAnswer("POST", "/", own, 405);
  }

  @Test
  void onlyThisMachineIsServed() {
    assertThat(URI.create(dashboard.url()).getHost()).isIn("127.0.0.1", "[::1]");
  }

  @Test
  void itEndsWithTheRun() {
    dashboard.close();
    dashboard.close();
    assertThatThrownBy(() -> get("/")).isInstanceOf(ConnectException.class);
  }

  @Test
  void aPortInUseIsReportedInOneLine() {
    int port = URI.create(dashboard.url()).getPort();
    assertThatThrownBy(() -> Dashboard.open(port))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot serve a dashboard on port %d: address already in use", port);
  }
}
