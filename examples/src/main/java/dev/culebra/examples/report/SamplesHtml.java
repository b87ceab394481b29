package dev.culebra.examples.report;

import dev.culebra.checkpoint.Sample;
import java.util.List;

/** What the runs wrote, the newest first; the script shows one step at a time. */
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
      run.samples().reversed().forEach(sample -> html.append(article(sample, runs.size() == 1)));
      html.append("</div>\n");
    }
    return html.toString();
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
