package dev.culebra.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A dataset's measurement of a model.
 *
 * @param text complete lines of text
 * @param figures for programs, in order: numbers, or maps of numbers, by name
 */
public record Measurement(String text, Map<String, Object> figures) {
  /** What a text calls the part that was not trained on. */
  static final String VALIDATION = "validation part";

  /** How a text refers to all of the data. */
  static final String WHOLE = "all of it";

  public Measurement {
    figures = Collections.unmodifiableMap(new LinkedHashMap<>(figures));
  }
}
