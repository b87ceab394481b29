package dev.culebra.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.io.StrictJson;
import java.util.Optional;

/**
 * {@link Metrics} as a JSON object on one line. A figure that is NaN or infinite is written as
 * {@code null}, since JSON has no other portable form, and is read back as NaN.
 */
final class MetricsJson implements LineLog.Format<Metrics> {
  static final MetricsJson FORMAT = new MetricsJson();

  private static final JsonMapper JSON = StrictJson.mapper();

  private static final String STEP = "step";
  private static final String LOSS = "loss";
  private static final String VALIDATION_LOSS = "val_loss";
  private static final String LEARNING_RATE = "lr";
  private static final String GRADIENT_NORM = "grad_norm";
  private static final String TOKENS_PER_SECOND = "tokens_per_second";
  private static final String SECONDS = "elapsed_s";
  private static final String TFLOPS = "tflops";
  private static final String MFU = "mfu";

  private MetricsJson() {}

  @Override
  public String noun() {
    return "metrics";
  }

  @Override
  public int step(Metrics metrics) {
    return metrics.step();
  }

  @Override
  public String write(Metrics metrics) {
    ObjectNode line = JSON.createObjectNode().put(STEP, metrics.step());
    put(line, LOSS, metrics.loss());
    if (metrics.validationLoss() != null) {
      put(line, VALIDATION_LOSS, metrics.validationLoss());
    }
    put(line, LEARNING_RATE, metrics.learningRate());
    put(line, GRADIENT_NORM, metrics.gradientNorm());
    put(line, TOKENS_PER_SECOND, metrics.tokensPerSecond());
    put(line, SECONDS, metrics.seconds());
    putOptional(line, TFLOPS, metrics.tflops());
    putOptional(line, MFU, metrics.mfu());
    return line.toString();
  }

  private static void putOptional(ObjectNode line, String name, Double value) {
    if (value != null) {
      put(line, name, value.doubleValue());
    }
  }

  private static void put(ObjectNode line, String name, float value) {
    line.put(name, Float.isFinite(value) ? Float.valueOf(value) : null);
  }

  private static void put(ObjectNode line, String name, double value) {
    line.put(name, Double.isFinite(value) ? Double.valueOf(value) : null);
  }

  @Override
  public Optional<Metrics> read(String line) {
    try {
      JsonNode json = JSON.readTree(line);
      return isMetrics(json) ? Optional.of(metrics(json)) : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  private static boolean isMetrics(JsonNode json) {
    return json.path(STEP).canConvertToInt()
        && json.path(STEP).isIntegralNumber()
        && isFigure(json.path(LOSS))
        && (!json.has(VALIDATION_LOSS) || isFigure(json.path(VALIDATION_LOSS)))
        && isFigure(json.path(LEARNING_RATE))
        && isFigure(json.path(GRADIENT_NORM))
        && isFigure(json.path(TOKENS_PER_SECOND))
        && isFigure(json.path(SECONDS))
        && (!json.has(TFLOPS) || isFigure(json.path(TFLOPS)))
        && (!json.has(MFU) || isFigure(json.path(MFU)));
  }

  private static boolean isFigure(JsonNode json) {
    return json.isNumber() || json.isNull();
  }

  private static Metrics metrics(JsonNode json) {
    return new Metrics(
        json.path(STEP).intValue(),
        (float) figure(json.path(LOSS)),
        json.has(VALIDATION_LOSS) ? (float) figure(json.path(VALIDATION_LOSS)) : null,
        (float) figure(json.path(LEARNING_RATE)),
        (float) figure(json.path(GRADIENT_NORM)),
        figure(json.path(TOKENS_PER_SECOND)),
        figure(json.path(SECONDS)),
        json.has(TFLOPS) ? figure(json.path(TFLOPS)) : null,
        json.has(MFU) ? figure(json.path(MFU)) : null);
  }

  private static double figure(JsonNode json) {
    return json.isNull() ? Double.NaN : json.doubleValue();
  }
}
