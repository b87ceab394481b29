package dev.culebra.examples.report;

import dev.culebra.checkpoint.Sample;
import java.util.List;

/** The samples of the runs, newest first; the script shows one step at a time. */
final class SamplesHtml {
  private SamplesHtml() {}

  static String of(List<RunRecord> runs) {
    StringBuilder html = new StringBuilder();
    for (int i = 0; i < runs.size(); i++) {
      RunRecord run = runs.get(i);
      html.append("<div class=\"run\">\n");
      if (runs.size() > 1) {
        html.append("<h3>%s</h3>\n".formatted(FactsHtml.name(run, i)));
      }
      if (run.samples().isEmpty()) {
        html.append("<p class=\"note\">None yet.</p>\n");
      }
      Thinning.thinSamples(run.samples(), Thinning.SAMPLE_LIMIT)
          .reversed()
          .forEach(sample -> html.append(article(sample, runs.size() == 1)));
      html.append("</div>\n");
    }
    return html.append(thinned(runs)).toString();
  }

  private static String thinned(List<RunRecord> runs) {
    int most = runs.stream().mapToInt(run -> run.samples().size()).max().orElse(0);
    return most <= Thinning.SAMPLE_LIMIT
        ? ""
        : """
          <p class="note">Of up to %,d samples per run, this page shows at most %,d: the first, the \
          last, and some at equal distances. All are in samples.jsonl.</p>
          """
            .formatted(most, Thinning.SAMPLE_LIMIT);
  }

  private static String article(Sample sample, boolean alone) {
    String heading = alone ? "h3" : "h4";
    return """
        <article data-step="%1$d"><%2$s>After step %1$,d</%2$s>
        <pre>
        %3$s</pre></article>
        """
        .formatted(sample.step(), heading, Html.escape(sample.text().strip()));
  }
}
