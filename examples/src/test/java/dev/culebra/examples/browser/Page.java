package dev.culebra.examples.browser;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** One page of a {@link Browser}. */
public final class Page {
  private static final int POLL_MILLIS = 20;

  private final Browser browser;
  private final String session;

  Page(Browser browser, String session, int width, int height, boolean phone, boolean dark) {
    this.browser = browser;
    this.session = session;
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(domain + ".enable", Map.of());
    }
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of(
            "width", width, "height", height, "deviceScaleFactor", phone ? 2 : 1, "mobile", phone));
    call("Emulation.setTouchEmulationEnabled", Map.of("enabled", phone));
    String scheme = dark ? "dark" : "light";
    call(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  private JsonNode call(String method, Map<String, ?> params) {
    return browser.call(session, method, params);
  }

  /** Opens an address and waits until everything is loaded. */
  public Page open(String url) throws Exception {
    JsonNode opened = call("Page.navigate", Map.of("url", url));
    if (opened.has("errorText")) {
      throw new IllegalStateException(url + ": " + opened.get("errorText").textValue());
    }
    return await("document.readyState === 'complete' && location.href !== 'about:blank'");
  }

  /** The value of an expression, which may be a promise. */
  public JsonNode evaluate(String expression) {
    JsonNode answer =
        call(
            "Runtime.evaluate",
            Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
    if (answer.has("exceptionDetails")) {
      throw new IllegalStateException(answer.get("exceptionDetails").toString());
    }
    return answer.get("result").path("value");
  }

  /** Waits until an expression is true. */
  public Page await(String expression) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Browser.PATIENCE_SECONDS);
    while (!evaluate(expression).booleanValue()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("never came true: " + expression);
      }
      Thread.sleep(POLL_MILLIS);
    }
    return this;
  }

  /** Moves the mouse to a point of the window. */
  public void moveMouse(double x, double y) {
    for (double from : new double[] {1, 0}) {
      call("Input.dispatchMouseEvent", Map.of("type", "mouseMoved", "x", x + from, "y", y));
    }
  }

  /** Console errors and warnings, exceptions, and the browser's own complaints. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    browser.events(session, "Runtime.exceptionThrown").forEach(e -> problems.add(e.toString()));
    browser.events(session, "Runtime.consoleAPICalled").stream()
        .filter(e -> List.of("error", "warning", "assert").contains(e.get("type").textValue()))
        .forEach(e -> problems.add(e.toString()));
    browser.events(session, "Log.entryAdded").stream()
        .filter(e -> List.of("error", "warning").contains(e.at("/entry/level").textValue()))
        .forEach(e -> problems.add(e.toString()));
    return problems;
  }

  /** All requested addresses, including the page's own. */
  public List<String> requests() {
    return browser.events(session, "Network.requestWillBeSent").stream()
        .map(e -> e.at("/request/url").textValue())
        .toList();
  }

  /** A screenshot of the whole page. */
  public void screenshot(Path file) throws IOException {
    String png =
        call("Page.captureScreenshot", Map.of("captureBeyondViewport", true))
            .get("data")
            .textValue();
    Files.write(file, Base64.getDecoder().decode(png));
  }
}
