package dev.culebra.examples.cli;

import static java.util.stream.Collectors.joining;

import dev.culebra.nn.Preset;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainOptions;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ResourceBundle;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The texts <code>${default.batch}</code>, <code>${default.lr}</code> … of the help: what each
 * preset has where nobody says otherwise, such as {@code 12 (baby: 64, gpt2: 4)}. A preset that is
 * not named has the value of the one before it.
 */
final class PresetDefaults extends ResourceBundle {
  private static final String PREFIX = "default.";

  private Map<Preset, TrainConfig> configs;

  @Override
  public Enumeration<String> getKeys() {
    return Collections.enumeration(
        components().map(PresetDefaults::key).collect(Collectors.toSet()));
  }

  @Override
  protected Object handleGetObject(String key) {
    return components()
        .filter(component -> key(component).equals(key))
        .findFirst()
        .map(this::text)
        .orElse(null);
  }

  private static String key(RecordComponent component) {
    return PREFIX + component.getName();
  }

  private static Stream<RecordComponent> components() {
    return Arrays.stream(TrainConfig.class.getRecordComponents());
  }

  private String text(RecordComponent component) {
    List<String> others = new ArrayList<>();
    String first = null;
    String previous = null;
    for (Map.Entry<Preset, TrainConfig> preset : configs().entrySet()) {
      String value = value(component, preset.getValue());
      if (first == null) {
        first = value;
      } else if (!value.equals(previous)) {
        others.add(preset.getKey().label() + ": " + value);
      }
      previous = value;
    }
    return others.isEmpty() ? first : first + others.stream().collect(joining(", ", " (", ")"));
  }

  private Map<Preset, TrainConfig> configs() {
    if (configs == null) {
      configs = new LinkedHashMap<>();
      for (Preset preset : List.of(Preset.values())) {
        configs.put(preset, new TrainOptions().preset(preset).config());
      }
    }
    return configs;
  }

  private static String value(RecordComponent component, TrainConfig config) {
    try {
      Object value = component.getAccessor().invoke(config);
      return switch (value) {
        case Float number -> new BigDecimal(number.toString()).stripTrailingZeros().toPlainString();
        case Enum<?> constant -> constant.toString().toLowerCase(Locale.ROOT);
        case Boolean flag -> flag ? "yes" : "no";
        default -> value.toString();
      };
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
