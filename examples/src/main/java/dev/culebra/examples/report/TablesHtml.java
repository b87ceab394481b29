package dev.culebra.examples.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.train.TrainConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Names and values: a list for one run; for several, a table of the differences above a folded list
 * of shared values.
 */
final class TablesHtml {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String NOTHING = "–";

  private TablesHtml() {}

  /** The configurations of the runs. */
  static String configuration(List<RunRecord> runs) {
    return of(
        runs,
        runs.stream().map(run -> values(run.config())).toList(),
        "The runs have the same configuration.");
  }

  /** Where they were trained. */
  static String machine(List<RunRecord> runs) {
    List<Map<String, String>> machines = runs.stream().map(RunRecord::machine).toList();
    if (machines.stream().allMatch(Map::isEmpty)) {
      return "<p class=\"note\">Not recorded: the run has no machine.json.</p>\n";
    }
    return of(runs, machines, "The runs were trained on the same machine.");
  }

  private static Map<String, String> values(TrainConfig config) {
    Map<String, String> values = new LinkedHashMap<>();
    try {
      JSON.readTree(config.toJson())
          .properties()
          .forEach(
              each ->
                  values.put(
                      ConfigWords.name(each.getKey()),
                      ConfigWords.value(each.getKey(), each.getValue())));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // the JSON was written one line earlier
    }
    return values;
  }

  private static String of(
      List<RunRecord> runs, List<Map<String, String>> columns, String allTheSame) {
    if (runs.size() == 1) {
      return list(columns.getFirst());
    }
    Map<String, String> same = new LinkedHashMap<>();
    List<String> different = new ArrayList<>();
    for (String name : names(columns)) {
      String first = columns.getFirst().getOrDefault(name, NOTHING);
      if (columns.stream().allMatch(column -> column.getOrDefault(name, NOTHING).equals(first))) {
        same.put(name, first);
      } else {
        different.add(name);
      }
    }
    String head =
        different.isEmpty() ? "<p>%s</p>\n".formatted(allTheSame) : table(runs, columns, different);
    return "%s<details><summary>%d values are the same in all runs</summary>\n%s</details>\n"
        .formatted(head, same.size(), list(same));
  }

  private static Set<String> names(List<Map<String, String>> columns) {
    Set<String> names = new LinkedHashSet<>();
    columns.forEach(column -> names.addAll(column.keySet()));
    return names;
  }

  private static String list(Map<String, String> values) {
    StringBuilder html = new StringBuilder("<dl class=\"values\">\n");
    values.forEach(
        (name, value) ->
            html.append(
                "<div><dt>%s</dt><dd>%s</dd></div>\n"
                    .formatted(Html.escape(name), Html.escape(value))));
    return html.append("</dl>\n").toString();
  }

  private static String table(
      List<RunRecord> runs, List<Map<String, String>> columns, List<String> names) {
    StringBuilder html =
        new StringBuilder(
            """
            <div class="scroll"><table class="differences">
            <thead><tr><th scope="col">differs</th>""");
    for (int i = 0; i < runs.size(); i++) {
      html.append("<th scope=\"col\">%s</th>".formatted(FactsHtml.name(runs.get(i), i)));
    }
    html.append("</tr></thead>\n<tbody>\n");
    for (String name : names) {
      html.append("<tr><th scope=\"row\">%s</th>".formatted(Html.escape(name)));
      columns.forEach(
          column ->
              html.append(
                  "<td>%s</td>".formatted(Html.escape(column.getOrDefault(name, NOTHING)))));
      html.append("</tr>\n");
    }
    return html.append("</tbody></table></div>\n").toString();
  }
}
