package dev.culebra.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.io.StrictJson;
import java.util.Optional;

/** A {@link Sample} as a JSON object on one line. */
final class SampleJson implements LineLog.Format<Sample> {
  static final SampleJson FORMAT = new SampleJson();

  private static final JsonMapper JSON = StrictJson.mapper();
  private static final String STEP = "step";
  private static final String TEXT = "text";

  private SampleJson() {}

  @Override
  public String noun() {
    return "samples";
  }

  @Override
  public String write(Sample sample) {
    return JSON.createObjectNode().put(STEP, sample.step()).put(TEXT, sample.text()).toString();
  }

  @Override
  public Optional<Sample> read(String line) {
    try {
      JsonNode json = JSON.readTree(line);
      boolean whole =
          json.path(STEP).isIntegralNumber()
              && json.path(STEP).canConvertToInt()
              && json.path(STEP).intValue() >= 1
              && json.path(TEXT).isTextual();
      return whole
          ? Optional.of(new Sample(json.path(STEP).intValue(), json.path(TEXT).textValue()))
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  @Override
  public int step(Sample sample) {
    return sample.step();
  }
}
