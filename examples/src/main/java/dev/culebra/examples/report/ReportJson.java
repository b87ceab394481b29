package dev.culebra.examples.report;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.checkpoint.Metrics;
import java.util.List;

/**
 * The figures that the page's script draws. A row is {@code [step, seconds, loss, validation loss,
 * learning rate, gradient norm, tokens per second]}; a figure that is missing or not finite is
 * null.
 */
final class ReportJson {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private ReportJson() {}

  /** {@code {"live": …, "runs": [{"name": …, "rows": […]}]}}. */
  static ObjectNode page(List<RunRecord> runs, boolean live) {
    ObjectNode page = JSON.createObjectNode().put("live", live);
    ArrayNode list = page.putArray("runs");
    for (RunRecord run : runs) {
      ArrayNode rows = list.addObject().put("name", run.name()).putArray("rows");
      Thinning.thin(run.metrics(), Thinning.LIMIT).forEach(line -> rows.add(row(line)));
    }
    return page;
  }

  static ArrayNode row(Metrics line) {
    ArrayNode row = JSON.createArrayNode().add(line.step());
    add(row, line.seconds());
    add(row, line.loss());
    add(row, line.validationLoss() == null ? Float.NaN : line.validationLoss());
    add(row, line.learningRate());
    add(row, line.gradientNorm());
    add(row, line.tokensPerSecond());
    return row;
  }

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  private static void add(ArrayNode row, float value) {
    row.add(Float.isFinite(value) ? Float.valueOf(value) : null);
  }

  private static void add(ArrayNode row, double value) {
    row.add(Double.isFinite(value) ? Double.valueOf(value) : null);
  }
}
