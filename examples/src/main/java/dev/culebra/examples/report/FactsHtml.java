package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.train.Parent;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;

/** The head of the page: the state of each run. */
final class FactsHtml {
  private FactsHtml() {}

  /** A row of figures for one run, a table for several. */
  static String of(List<RunRecord> runs) {
    return runs.size() == 1 ? figures(runs.getFirst()) : table(runs);
  }

  private static String figures(RunRecord run) {
    StringBuilder html = new StringBuilder();
    html.append(
        "<p class=\"about\">%s %s</p>\n<dl class=\"figures\">\n"
            .formatted(status(run), about(run)));
    facts(run, List.of(run))
        .forEach(
            (name, fact) ->
                html.append("<div><dt>%s</dt><dd>%s</dd></div>\n".formatted(name, fact.html())));
    return html.append("</dl>\n").toString();
  }

  private static String table(List<RunRecord> runs) {
    StringBuilder html =
        new StringBuilder("<div class=\"scroll\"><table class=\"runs\">\n<thead><tr>");
    html.append("<th scope=\"col\">run</th><th scope=\"col\">state</th>");
    facts(runs.getFirst(), runs)
        .keySet()
        .forEach(name -> html.append("<th scope=\"col\">%s</th>".formatted(name)));
    html.append("</tr></thead>\n<tbody>\n");
    for (int i = 0; i < runs.size(); i++) {
      RunRecord run = runs.get(i);
      html.append("<tr><th scope=\"row\">%s</th><td>%s</td>".formatted(name(run, i), status(run)));
      facts(run, runs).values().forEach(fact -> html.append("<td>%s</td>".formatted(fact.html())));
      html.append("</tr>\n");
    }
    return html.append("</tbody></table></div>\n").toString();
  }

  /** The name of the run at {@code index} next to its colour in the charts. */
  static String name(RunRecord run, int index) {
    return "<span class=\"swatch run-%d\"></span>%s"
        .formatted(index % Palette.COLOURS + 1, Html.escape(run.name()));
  }

  private static String status(RunRecord run) {
    String status = run.status().toString();
    return "<span class=\"status %s\">%s</span>".formatted(status, status);
  }

  private static String about(RunRecord run) {
    String size =
        run.parameters().isPresent()
            ? "%,d parameters, ".formatted(run.parameters().getAsLong())
            : "";
    return "A GPT (%s%d layers, %d heads, %d wide, context %d) on <b>%s</b>%s"
        .formatted(
            size,
            run.config().model().layers(),
            run.config().model().heads(),
            run.config().model().embd(),
            run.config().model().context(),
            Html.escape(run.config().data().data()),
            run.parent().map(FactsHtml::begun).orElse(""));
  }

  private static String begun(Parent parent) {
    return ", finetuned from <b>%s</b>%s".formatted(Html.escape(parent.run()), parent.details());
  }

  /** A figure with a note; neither contains untrusted text. */
  private record Fact(String value, String note) {
    static final Fact NONE = new Fact("–", "");

    String html() {
      return note.isEmpty() ? value : value + " <small>" + note + "</small>";
    }
  }

  /** Whether any run counted FLOPs, as on a GPU. */
  private static boolean counted(List<RunRecord> runs) {
    return runs.stream()
        .flatMap(run -> run.metrics().stream())
        .anyMatch(line -> line.tflops() != null);
  }

  /** The figures of one of {@code runs}; all runs have figures with the same names. */
  private static Map<String, Fact> facts(RunRecord run, List<RunRecord> runs) {
    String unit = LossUnit.of(runs).behindAName();
    Map<String, Fact> facts = new LinkedHashMap<>();
    String steps = run.endsByTimeOnly() ? "" : "of %,d".formatted(run.config().training().steps());
    facts.put("step", new Fact("%,d".formatted(run.step()), steps));
    facts.put("best validation loss" + unit, best(run));
    Metrics last = run.metrics().isEmpty() ? null : run.metrics().getLast();
    boolean trained = last != null && last.seconds() > 0;
    facts.put(
        "training loss" + unit,
        last == null ? Fact.NONE : new Fact("%.4f".formatted(last.loss()), ""));
    facts.put("time", trained ? new Fact(time(last.seconds()), "of training") : Fact.NONE);
    facts.put("tokens/s", speed(run));
    if (counted(runs)) {
      facts.put("GPU utilisation", use(run.metrics()));
    }
    return facts;
  }

  /** Mean over the logged steps: model FLOPs utilisation, or TFLOP/s if the peak is unknown. */
  private static Fact use(List<Metrics> metrics) {
    OptionalDouble mfu = mean(metrics, Metrics::mfu);
    if (mfu.isPresent()) {
      return new Fact("%.1f %%".formatted(100 * mfu.getAsDouble()), "MFU on average");
    }
    OptionalDouble tflops = mean(metrics, Metrics::tflops);
    return tflops.isPresent()
        ? new Fact("%.1f".formatted(tflops.getAsDouble()), "TFLOP/s on average")
        : Fact.NONE;
  }

  private static OptionalDouble mean(List<Metrics> metrics, Function<Metrics, Double> figure) {
    return metrics.stream()
        .map(figure)
        .filter(value -> value != null && Double.isFinite(value))
        .mapToDouble(Double::doubleValue)
        .average();
  }

  private static Fact best(RunRecord run) {
    return run.best()
        .map(
            line ->
                new Fact(
                    "%.4f".formatted(line.validationLoss()), "at step %,d".formatted(line.step())))
        .orElse(Fact.NONE);
  }

  private static Fact speed(RunRecord run) {
    OptionalDouble speed = run.tokensPerSecond();
    return speed.isPresent()
        ? new Fact("%,.0f".formatted(speed.getAsDouble()), "median of the logged steps")
        : Fact.NONE;
  }

  private static String time(double seconds) {
    Duration time = Duration.ofMillis(Math.round(seconds * 1000));
    if (time.toHours() > 0) {
      return "%d h %02d min".formatted(time.toHours(), time.toMinutesPart());
    }
    return time.toMinutes() > 0
        ? "%d min %02d s".formatted(time.toMinutes(), time.toSecondsPart())
        : "%.1f s".formatted(seconds);
  }
}
