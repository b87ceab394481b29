package dev.culebra.examples.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.options.Options;
import dev.culebra.text.TokenizerKind;
import dev.culebra.train.DataConfig;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ReportPageTest {
  private static final Pattern DATA =
      Pattern.compile("<script type=\"application/json\" id=\"data\">(.*)</script>");

  private final ReportPage pages = new ReportPage();

  private static JsonNode data(String page) throws Exception {
    Matcher data = DATA.matcher(page);
    assertThat(data.find()).isTrue();
    return JsonMapper.builder().build().readTree(data.group(1));
  }

  @Test
  void thePageIsSelfContained() {
    String page = pages.of(List.of(Records.run("one", Records.rows(30), new Sample(300, "text"))));

    assertThat(page)
        .startsWith("<!doctype html>")
        .endsWith("</html>\n")
        .contains("Permission is hereby granted", "var uPlot=", "<noscript>")
        .doesNotContainPattern("\\{\\{\\w+}}")
        .doesNotContainPattern("(src|href)=\"(?!data:)")
        .doesNotContain("@import", "url(", "unsafe-inline");
  }

  @Test
  void thePageHasTheFigures() throws Exception {
    Metrics odd = new Metrics(310, Float.NaN, null, 1e-3f, Float.POSITIVE_INFINITY, Double.NaN, 31);
    List<Metrics> rows = List.of(Records.row(100), Records.row(110), odd);
    JsonNode data = data(pages.of(List.of(Records.run("one", rows))));

    assertThat(data.get("live").booleanValue()).isFalse();
    assertThat(data.at("/runs/0/name").textValue()).isEqualTo("one");
    assertThat(data.at("/runs/0/rows").toString())
        .isEqualTo(
            "[[100,10.0,2.1,2.01,0.001,1.0,1000.0],[110,11.0,2.090909,null,0.001,1.0,1000.0],"
                + "[310,31.0,null,null,0.001,null,null]]");
  }

  @Test
  void gpuRunsShowUtilisation() {
    List<Metrics> processor = Records.rows(3);
    List<Metrics> known =
        List.of(
            processor.getFirst(),
            new Metrics(40, 2, null, 1e-3f, 1, 1000, 4, 300., 0.3),
            new Metrics(50, 2, null, 1e-3f, 1, 1000, 5, 320., 0.32));
    List<Metrics> unknown = List.of(new Metrics(40, 2, null, 1e-3f, 1, 1000, 4, 12.25, null));

    assertThat(pages.of(List.of(Records.run("one", known))))
        .contains("<dt>GPU utilisation</dt><dd>31.0 % <small>MFU on average</small></dd>");
    assertThat(pages.of(List.of(Records.run("one", unknown))))
        .contains("<dt>GPU utilisation</dt><dd>12.3 <small>TFLOP/s on average</small></dd>");
    assertThat(pages.of(List.of(Records.run("one", processor)))).doesNotContain("GPU utilisation");
    assertThat(pages.of(List.of(Records.run("one", processor), Records.run("two", known))))
        .contains("<th scope=\"col\">GPU utilisation</th>", "<td>–</td></tr>");
  }

  @Test
  void theSpeedIsTheMedianDespiteSlowFirstSteps() {
    List<Metrics> rows =
        List.of(
            new Metrics(10, 2, null, 1e-3f, 1, 50, 10),
            new Metrics(20, 2, null, 1e-3f, 1, 1000, 11),
            new Metrics(30, 2, null, 1e-3f, 1, 1200, 12));

    assertThat(pages.of(List.of(Records.run("one", rows))))
        .contains("<dt>tokens/s</dt><dd>1,000 <small>median of the logged steps</small></dd>");
  }

  @Test
  void aRunThatEndsByTimeShowsNoNumberOfSteps() {
    TrainConfig config =
        TrainConfig.of(
            Options.NONE.with(DataConfig.DATA, "macbeth").with(TrainingConfig.MINUTES, 5f));
    RunRecord run =
        new RunRecord(
            "timed",
            true,
            config,
            OptionalLong.empty(),
            Records.rows(3),
            List.of(),
            new RunData(OptionalDouble.empty()),
            Optional.empty(),
            Map.of());
    String page = pages.of(List.of(run));

    assertThat(page).contains("<dt>step</dt><dd>30</dd>");
    assertThat(FactsHtml.of(List.of(run))).doesNotContain("1,000,000,000");
  }

  @Test
  void theConfigurationIsInWords() {
    String page = pages.of(List.of(Records.run("one", Records.rows(3))));

    assertThat(page.substring(page.indexOf("id=\"configuration\"")))
        .contains(
            "<dt>micro-steps per step</dt><dd>1</dd>", "<dt>limit in minutes</dt><dd>none</dd>")
        .contains("<dt>bias</dt><dd>no</dd>", "<dt>lowest learning rate</dt><dd>0.0001</dd>")
        .doesNotContainPattern("<dt>\\w*_\\w*</dt>");
  }

  @Test
  void lossesOfDifferentTokenizersArePerByte() throws Exception {
    RunRecord characters = of(TokenizerKind.CHAR, OptionalDouble.of(1));
    RunRecord pairs = of(TokenizerKind.GPT2, OptionalDouble.of(4));
    String page = pages.of(List.of(characters, pairs));

    assertThat(data(page).at("/runs/0/rows/0").toString()).startsWith("[100,10.0,2.1,2.01,");
    assertThat(data(page).at("/runs/1/rows/0").toString()).startsWith("[100,10.0,0.525,0.5025,");
    assertThat(page)
        .contains("<small>nats per byte of text, since the runs have different tokenizers</small>")
        .contains("<th scope=\"col\">best validation loss, nats per byte</th>", "<td>0.5025 ");
    assertThat(pages.of(List.of(pairs, pairs.called("other"))))
        .contains("<small>nats per token</small>", "<td>2.0100 ");
    assertThat(pages.of(List.of(pairs, of(TokenizerKind.CHAR, OptionalDouble.empty()))))
        .contains(
            "nats per token; not comparable, since the runs have different tokenizers",
            "<td>2.0100 ");
  }

  private static RunRecord of(TokenizerKind tokenizer, OptionalDouble bytesPerToken) {
    return new RunRecord(
        tokenizer.toString(),
        false,
        TrainConfig.of(
            Options.NONE
                .with(DataConfig.DATA, "macbeth")
                .with(DataConfig.TOKENIZER, TokenizerChoice.of(tokenizer))),
        OptionalLong.empty(),
        List.of(Records.row(100)),
        List.of(),
        new RunData(bytesPerToken),
        Optional.empty(),
        Map.of());
  }

  @Test
  void untrustedTextIsShownAndNotExecuted() throws Exception {
    String markup = "</pre></script><img src=x onerror=alert(1)> {{script}} $1 \\ <!--";
    String page = pages.of(List.of(Records.run(markup, Records.rows(3), new Sample(30, markup))));

    assertThat(page)
        .doesNotContain("<img", markup)
        .contains("&lt;/pre&gt;&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; {{script}} $1 \\");
    assertThat(data(page).at("/runs/0/name").textValue()).isEqualTo(markup);
  }

  @Test
  void aRunThatHasLoggedNothingHasAPage() {
    assertThat(pages.of(List.of(Records.run("new", List.of())))).contains("None yet.", "stopped");
  }

  @Test
  void longRunsAreThinnedAndThePageSaysSo() throws Exception {
    String page = pages.of(List.of(Records.run("long", Records.rows(9000))));

    assertThat(page).contains("Of up to 9,000 logged steps");
    assertThat(data(page).at("/runs/0/rows")).hasSizeBetween(500, Thinning.LIMIT);
    assertThat(pages.of(List.of(Records.run("short", Records.rows(2000)))))
        .doesNotContain("logged steps per run");
  }

  @Test
  void manySamplesAreThinnedAndThePageSaysSo() {
    Sample[] many = new Sample[10_000];
    Arrays.setAll(many, i -> new Sample(i + 1, "text"));
    String page = pages.of(List.of(Records.run("long", Records.rows(3), many)));

    assertThat(page)
        .contains("Of up to 10,000 samples", "After step 1<", "After step 10,000<")
        .hasSizeLessThan(300_000);
    assertThat(pages.of(List.of(Records.run("short", Records.rows(3), Arrays.copyOf(many, 300)))))
        .doesNotContain("samples per run");
  }

  @Test
  void differencesBetweenRunsComeFirst() {
    TrainConfig other =
        TrainConfig.of(
            Options.NONE
                .with(DataConfig.DATA, "dickens")
                .with(TrainingConfig.LR, 0.01f)
                .with(TrainingConfig.MIN_LR, 1e-4f));
    RunRecord one = Records.run("one", Records.rows(3));
    RunRecord two =
        new RunRecord(
            "two",
            true,
            other,
            OptionalLong.empty(),
            List.of(),
            List.of(),
            new RunData(OptionalDouble.empty()),
            Optional.empty(),
            Map.of("cpu", "<x>"));
    String page = pages.of(List.of(one, two));
    String differences = page.substring(page.indexOf("<table class=\"differences\""));
    String table = differences.substring(0, differences.indexOf("</table>"));

    assertThat(table).contains("<th scope=\"row\">data</th><td>macbeth</td><td>dickens</td>");
    assertThat(table)
        .contains("<th scope=\"row\">learning rate</th>")
        .doesNotContain(">layers<", ">seed<");
    assertThat(differences).contains("values are the same in all runs", "<dt>layers</dt>");
    assertThat(page).contains("<td>–</td><td>&lt;x&gt;</td>", "status running", "status stopped");
  }
}
