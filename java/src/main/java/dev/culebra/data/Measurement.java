package dev.culebra.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a dataset found out about a model.
 *
 * @param text for people: whole lines
 * @param figures for programs, in this order: numbers, or maps of such, by name
 */
public record Measurement(String text, Map<String, Object> figures) {
  /** What a text calls the part that was not trained on. */
  static final String VALIDATION = "validation part";

  /** What a text calls all of the data. */
  static final String WHOLE = "all of it";

  public Measurement {
    figures = Collections.unmodifiableMap(new LinkedHashMap<>(figures));
  }
}
