package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DownloadTest {
  private static final String TEXT = "abc";
  private static final String SHA256 =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @TempDir Path directory;
  private final AtomicInteger requests = new AtomicInteger();
  private HttpServer server;
  private String address;
  private Path target;

  @BeforeEach
  void serve() throws IOException {
    target = directory.resolve("cache/culebra/text");
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/text",
        exchange -> {
          requests.incrementAndGet();
          exchange.sendResponseHeaders(200, TEXT.length());
          exchange.getResponseBody().write(TEXT.getBytes(StandardCharsets.US_ASCII));
          exchange.close();
        });
    server.start();
    address = "http://localhost:" + server.getAddress().getPort();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void isDownloadedOnce() throws Exception {
    Download download = new Download(URI.create(address + "/text"), 3, SHA256);
    download.fetch(target);
    download.fetch(target);
    assertThat(target).hasContent(TEXT);
    assertThat(requests).hasValue(1);
  }

  @Test
  void aDamagedCopyIsReplaced() throws Exception {
    Files.createDirectories(target.getParent());
    Files.writeString(target, "abd");
    new Download(URI.create(address + "/text"), 3, SHA256).fetch(target);
    assertThat(target).hasContent(TEXT);
  }

  @Test
  void wrongContentIsRejected() {
    String other = SHA256.replace('b', 'c');
    assertFails(
        new Download(URI.create(address + "/text"), 3, other), "its SHA-256 is not " + other);
    assertFails(new Download(URI.create(address + "/text"), 4, SHA256), "got 3 bytes instead of 4");
    assertFails(new Download(URI.create(address + "/text"), 2, SHA256), "body exceeds capacity: 2");
  }

  @Test
  void aMissingPageIsNamed() {
    assertFails(new Download(URI.create(address + "/other"), 3, SHA256), "HTTP status 404");
  }

  @Test
  void noServerIsNoConnection() {
    server.stop(0);
    assertFails(new Download(URI.create(address + "/text"), 3, SHA256), "no connection");
  }

  private void assertFails(Download download, String reason) {
    assertThatThrownBy(() -> download.fetch(target))
        .isInstanceOf(Download.FailedException.class)
        .hasMessage(reason);
    assertThat(target).doesNotExist();
  }
}
