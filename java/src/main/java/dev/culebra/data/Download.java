package dev.culebra.data;

import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A small file on the web with known content.
 *
 * @param uri its address
 * @param bytes its size
 * @param sha256 its SHA-256, as 64 lower-case hexadecimal digits
 */
record Download(URI uri, int bytes, String sha256) {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(60);
  private static final int OK = 200;

  /** The download failed; the message says why in a few words. */
  static final class FailedException extends Exception {
    private FailedException(String reason, Throwable cause) {
      super(reason, cause);
    }
  }

  /**
   * Makes sure that {@code target} is the file: downloads it if it is missing, and replaces it if
   * its content differs.
   *
   * @throws FailedException if it cannot be downloaded or has the wrong content
   * @throws IOException if {@code target} cannot be read or written
   */
  void fetch(Path target) throws IOException, FailedException {
    if (Files.isRegularFile(target) && Files.size(target) == bytes && fault(target) == null) {
      return;
    }
    byte[] content = get();
    String fault = fault(content);
    if (fault != null) {
      throw new FailedException(fault, null);
    }
    Files.createDirectories(target.toAbsolutePath().getParent());
    AtomicFile.write(target, content);
  }

  private String fault(Path file) throws IOException {
    return fault(Files.readAllBytes(file));
  }

  /** What is wrong with {@code content}; null if nothing is. */
  private String fault(byte[] content) {
    if (content.length != bytes) {
      return "got %d bytes instead of %d".formatted(content.length, bytes);
    }
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(digest).equals(sha256)
          ? null
          : "its SHA-256 is not " + sha256;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  private byte[] get() throws FailedException {
    try (HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build()) {
      CompletableFuture<HttpResponse<byte[]>> request =
          client.sendAsync(HttpRequest.newBuilder(uri).timeout(TIMEOUT).build(), this::body);
      try {
        HttpResponse<byte[]> response = request.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        if (response.statusCode() != OK) {
          throw new FailedException("HTTP status " + response.statusCode(), null);
        }
        return response.body();
      } catch (ExecutionException e) {
        throw new FailedException(reason(e.getCause()), e);
      } catch (TimeoutException e) {
        throw new FailedException("no answer in " + TIMEOUT.toSeconds() + " s", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new FailedException("interrupted", e);
      } finally {
        client.shutdownNow();
      }
    }
  }

  /** At most {@code bytes} of the file; nothing of an error page. */
  private BodySubscriber<byte[]> body(ResponseInfo response) {
    return response.statusCode() == OK
        ? BodySubscribers.limiting(BodySubscribers.ofByteArray(), bytes)
        : BodySubscribers.replacing(new byte[0]);
  }

  private static String reason(Throwable cause) {
    return switch (cause) {
      case ConnectException _ -> "no connection";
      case IOException e when e.getMessage() != null ->
          e.getMessage().lines().findFirst().orElse("");
      default -> cause.getClass().getSimpleName();
    };
  }
}
