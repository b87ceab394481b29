package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.examples.browser.Browser;
import dev.culebra.examples.browser.Page;
import dev.culebra.examples.report.Dashboard;
import dev.culebra.examples.report.RunRecord;
import dev.culebra.examples.report.RunRecorder;
import dev.culebra.train.TrainListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The report in a headless Chromium. Without a usable one the tests are skipped, unless the
 * environment has {@code CULEBRA_BROWSER=required}. With {@code -Dculebra.screenshots=DIR}
 * screenshots are saved there.
 */
class ReportInBrowserTest {
  private static final int WIDTH = 1280;
  private static final int HEIGHT = 900;
  private static final int PHONE_WIDTH = 360;
  private static final int PHONE_HEIGHT = 740;
  private static final List<String> CHARTS = List.of("loss", "rate", "norm", "speed");
  private static final Pattern URL = Pattern.compile("dashboard: (http://\\S+)\n");

  /** The fraction of pixel columns of a chart with the colour of a run, ignoring opacity. */
  private static final String COLUMNS =
      """
      ((id, run) => {
        const name = `--run-${run}`, style = getComputedStyle(document.documentElement);
        const [r, g, b] = style.getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map(h => parseInt(h, 16));
        const canvas = document.querySelector(`#${id} canvas`), {width, height} = canvas;
        const copy = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
        copy.drawImage(canvas, 0, 0);
        const pixels = copy.getImageData(0, 0, width, height).data;
        const columns = new Set();
        for (let i = 0; i < pixels.length; i += 4)
          if (pixels[i + 3] > 80 && Math.max(Math.abs(pixels[i] - r), Math.abs(pixels[i + 1] - g), Math.abs(pixels[i + 2] - b)) < 8)
            columns.add(i / 4 % width);
        return columns.size / width;
      })\
      """;

  @TempDir static Path folder;
  private static Browser browser;
  private static String absence;
  private static RunFolder first;
  private static RunFolder second;

  @BeforeAll
  static void trainAndStart() throws Exception {
    try {
      browser = Browser.start(System.getenv("PATH"), folder);
    } catch (Browser.NoBrowserException e) {
      if ("required".equals(System.getenv("CULEBRA_BROWSER"))) {
        throw e;
      }
      absence = e.getMessage();
      return; // a failed assumption here would not show in the count of tests
    }
    first = new RunFolder(folder.resolve("first"));
    second = new RunFolder(folder.resolve("second"));
    String[] flags = {"--data=macbeth", "--steps=300", "--eval-every=50", "--sample-every=50"};
    assertThat(Outcome.of(first.train(flags)).exitCode()).isZero();
    assertThat(Outcome.of(second.train(flags, "--lr=0.003")).exitCode()).isZero();
  }

  @BeforeEach
  void needsABrowser() {
    assumeTrue(browser != null, () -> "the report was not tested in a browser: " + absence);
  }

  @AfterAll
  static void stop() throws Exception {
    if (browser != null) {
      browser.close();
    }
  }

  private static String report() {
    return first.path().resolve("report.html").toUri().toString();
  }

  private static String comparison() {
    Path page = folder.resolve("comparison.html");
    String[] runs = {first.path().toString(), second.path().toString()};
    assertThat(Outcome.of("report", runs[0], runs[1], "--out=" + page).exitCode()).isZero();
    return page.toUri().toString();
  }

  private static Page desktop(boolean dark) {
    return browser.page(WIDTH, HEIGHT, false, dark);
  }

  private static Page phone() {
    return browser.page(PHONE_WIDTH, PHONE_HEIGHT, true, false);
  }

  private static String columns(String chart, int run) {
    return COLUMNS + "('" + chart + "', " + run + ")";
  }

  private static double drawn(Page page, String chart, int run) {
    return page.evaluate(columns(chart, run)).doubleValue();
  }

  /** Saves a screenshot if requested. */
  private static void picture(Page page, String name) throws IOException {
    String place = System.getProperty("culebra.screenshots");
    if (place != null) {
      page.screenshot(Files.createDirectories(Path.of(place)).resolve(name + ".png"));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRunIsDrawn(boolean dark) throws Exception {
    Page page = desktop(dark).open(report());

    for (String chart : CHARTS) {
      assertThat(drawn(page, chart, 1)).as(chart).isGreaterThan(0.6);
      assertThat(drawn(page, chart, 2)).as(chart).isZero();
    }
    assertThat(page.evaluate("document.querySelector('h1').textContent").textValue())
        .isEqualTo("first");
    picture(page, dark ? "dark" : "light");
    assertQuiet(page, report());
  }

  private static void assertQuiet(Page page, String... addresses) {
    assertThat(page.problems()).isEmpty();
    assertThat(page.requests().stream().filter(url -> !url.startsWith("data:")).distinct())
        .containsExactly(addresses);
  }

  @Test
  void runsHaveDifferentColours() throws Exception {
    String comparison = comparison();
    Page page = desktop(false).open(comparison);

    for (String chart : CHARTS) {
      assertThat(drawn(page, chart, 1)).as(chart).isGreaterThan(0.3);
      assertThat(drawn(page, chart, 2)).as(chart).isGreaterThan(0.3);
      assertThat(drawn(page, chart, 3)).as(chart).isZero();
    }
    assertThat(text(page, ".differences"))
        .contains("learning rate", "0.001", "0.003")
        .doesNotContain("width");
    picture(page, "comparison");
    assertQuiet(page, comparison);
  }

  private static String text(Page page, String selector) {
    return page.evaluate("document.querySelector('" + selector + "').innerText").textValue();
  }

  @Test
  void thePageFitsAPhone() throws Exception {
    for (String address : List.of(report(), comparison())) {
      Page page = phone().open(address);
      assertThat(
              page.evaluate("document.scrollingElement.scrollWidth <= innerWidth && innerWidth")
                  .intValue())
          .isEqualTo(PHONE_WIDTH);
      for (String chart : CHARTS) {
        String box = "document.querySelector('#" + chart + " canvas').getBoundingClientRect()";
        assertThat(page.evaluate(box + ".left").doubleValue()).isNotNegative();
        assertThat(page.evaluate(box + ".right").doubleValue()).isLessThanOrEqualTo(PHONE_WIDTH);
        assertThat(page.evaluate(box + ".width").doubleValue()).isGreaterThan(PHONE_WIDTH * 0.8);
        assertThat(drawn(page, chart, 1)).as(chart).isGreaterThan(0.3);
      }
      picture(page, address.equals(report()) ? "phone" : "phone-comparison");
      assertQuiet(page, address);
    }
  }

  @Test
  void axesCanBeLogarithmicOrShowTime() throws Exception {
    Page page = desktop(false).open(report());
    String picture = "document.querySelector('#loss canvas').toDataURL()";
    String before = page.evaluate(picture).textValue();
    List<String> choices = List.of("y][value=log", "x][value=log", "x][value=time");
    for (String choice : choices) {
      page.evaluate("document.querySelector('input[name=" + choice + "]').click()");
      String after = page.evaluate(picture).textValue();
      assertThat(after).as(choice).isNotEqualTo(before);
      assertThat(drawn(page, "loss", 1)).as(choice).isGreaterThan(0.6);
      assertThat(drawn(page, "norm", 1)).as(choice).isGreaterThan(0.6);
      picture(page, "choice-" + choice.replaceAll("\\W+", "-"));
      before = after;
    }
    assertQuiet(page, report());
  }

  @Test
  void theCursorShowsValues() throws Exception {
    Page page = desktop(false).open(report());
    String box = "document.querySelector('#loss .u-over').getBoundingClientRect()";
    page.moveMouse(
        page.evaluate(box + ".left").doubleValue() + 1,
        page.evaluate(box + ".top").doubleValue() + 50);
    for (String chart : CHARTS) { // all follow the mouse over one of them
      page.await("document.querySelector('#" + chart + " .u-value').textContent === '10'");
    }
    page.moveMouse(0, 0);
    page.await("document.querySelector('#loss .u-value').textContent === '300'");
  }

  @Test
  void samplesCanBeSteppedThrough() throws Exception {
    Page page = desktop(false).open(report());
    String shown =
        "[...document.querySelectorAll('#samples article:not([hidden])')].map(a =>"
            + " a.dataset.step).join()";

    assertThat(page.evaluate(shown).textValue()).isEqualTo("300");
    page.evaluate("document.getElementById('earlier').click()");
    assertThat(page.evaluate(shown).textValue()).isEqualTo("250");
    page.evaluate(
        "(m => { m.value = 0; m.dispatchEvent(new Event('input'));"
            + " })(document.getElementById('moment'))");
    assertThat(page.evaluate(shown).textValue()).isEqualTo("50");
    assertThat(text(page, "#at")).isEqualTo("after step 50");
  }

  @Test
  void markupInASampleIsShownAsText() throws Exception {
    RunFolder evil = new RunFolder(folder.resolve("<b>evil"));
    assertThat(Outcome.of(evil.train("--data=macbeth", "--steps=2")).exitCode()).isZero();
    String markup = "</pre></script><img src=x onerror=document.title=1><!-- \u2028 ${x} \\0 &amp;";
    Files.writeString(
        evil.path().resolve("samples.jsonl"),
        "{\"step\":2,\"text\":\"" + markup.replace("\\", "\\\\") + "\"}\n");
    assertThat(Outcome.of("report", evil.path().toString()).exitCode()).isZero();
    Page page = desktop(false).open(evil.path().resolve("report.html").toUri().toString());

    assertThat(page.evaluate("document.querySelector('#samples pre').textContent").textValue())
        .isEqualTo(markup);
    assertThat(text(page, "h1")).isEqualTo("<b>evil");
    assertThat(page.evaluate("document.images.length").intValue()).isZero();
    assertThat(page.evaluate("document.title").textValue()).isEqualTo("<b>evil · Culebra");
    assertThat(drawn(page, "rate", 1)).isPositive();
    assertThat(page.problems()).isEmpty();
  }

  @Test
  void aDashboardSaysWhatItOmitsAndKeepsTheViewedSample() throws Exception {
    RunRecorder recorder = new RunRecorder(RunRecord.read(first.path(), line -> {}));
    try (Dashboard dashboard = Dashboard.open(0)) {
      dashboard.begin(recorder);
      TrainListener listener = TrainListener.all(recorder, dashboard);
      Page page = desktop(false).open(dashboard.url());
      page.await("document.getElementById('connection').textContent === 'live'");
      assertThat(text(page, "#thinned")).isEmpty();

      for (int step = 301; step <= 3000; step++) {
        listener.onMetrics(new Metrics(step, 2, null, 1e-3f, 1, 1000, step));
      }
      listener.onSample(3000, "<b>text");
      page.await("document.getElementById('thinned').textContent.includes('logged steps per run')");
      page.evaluate("document.getElementById('earlier').click()");
      assertThat(text(page, "#at")).isEqualTo("after step 300");

      for (int step = 3001; step <= 3400; step++) {
        listener.onSample(step, "text");
      }
      page.await("document.querySelector('#samples article').dataset.step === '3400'");
      assertThat(text(page, "#samples > .note")).contains("samples per run");
      assertThat(page.evaluate("+document.getElementById('moment').max").intValue())
          .isBetween(100, 300);
      // The sixth sample is removed; the one before it is shown.
      assertThat(text(page, "#at")).isEqualTo("after step 250");
      assertThat(page.problems()).isEmpty();
    }
  }

  @Test
  void aDashboardIsUpdatedDuringTheRun() throws Exception {
    RunFolder run = new RunFolder(folder.resolve("live"));
    String[] args =
        run.train(
            "--data=macbeth",
            "--steps=1000000",
            "--log-every=5",
            "--eval-every=20",
            "--sample-every=20",
            "--dashboard",
            "0");
    try (Program program = Program.start(folder, args)) {
      String address = program.awaitErr(URL);
      Page page = desktop(false).open(address);
      page.await("document.getElementById('connection').textContent === 'live'");
      String step =
          "+document.querySelector('.figures dd').firstChild.textContent.replace(',', '')";
      int before = page.evaluate(step).intValue();
      page.await(step + " > " + (before + 100));
      page.await(columns("loss", 1) + " > 0.6");
      page.await("+document.querySelector('#samples article').dataset.step > " + before);
      picture(page, "dashboard");

      Outcome outcome = program.signal("TERM"); // like Ctrl-C: it saves and ends
      page.await("document.getElementById('connection').textContent === 'ended'");
      assertThat(text(page, ".status")).isEqualTo("stopped");
      assertThat(outcome.err()).contains("checkpoint saved");
      assertQuiet(page, address, address + "events");
    }
  }
}
