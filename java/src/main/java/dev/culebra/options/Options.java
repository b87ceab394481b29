package dev.culebra.options;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** Values of some options, as given by a configuration file or a command line. Immutable. */
public final class Options {
  /** No values. */
  public static final Options NONE = new Options(Map.of());

  private final Map<Option<?, ?>, Setting<?>> settings;

  private Options(Map<Option<?, ?>, Setting<?>> settings) {
    this.settings = settings;
  }

  /** The values of {@code options} in a record. */
  public static <R> Options of(R record, Collection<Option<R, ?>> options) {
    Map<Option<?, ?>, Setting<?>> settings = new LinkedHashMap<>();
    options.forEach(option -> settings.put(option, setting(option, record)));
    return new Options(settings);
  }

  private static <R, T> Setting<T> setting(Option<R, T> option, R record) {
    return option.set(option.of(record));
  }

  /** A copy with one value set. */
  public <T> Options with(Option<?, T> option, T value) {
    return with(option.set(value));
  }

  /** A copy with one value set. */
  public Options with(Setting<?> setting) {
    Map<Option<?, ?>, Setting<?>> all = new LinkedHashMap<>(settings);
    all.put(setting.option(), setting);
    return new Options(all);
  }

  /** A copy in which the values of {@code over} take precedence. */
  public Options with(Options over) {
    Map<Option<?, ?>, Setting<?>> all = new LinkedHashMap<>(settings);
    all.putAll(over.settings);
    return new Options(all);
  }

  /** A copy without {@code option}. */
  public Options without(Option<?, ?> option) {
    return only(other -> other != option);
  }

  /** The values of the options that {@code wanted} accepts. */
  public Options only(Predicate<Option<?, ?>> wanted) {
    Map<Option<?, ?>, Setting<?>> some = new LinkedHashMap<>(settings);
    some.keySet().removeIf(wanted.negate());
    return new Options(some);
  }

  /** The values that {@code others} lacks or has differently. */
  public Options minus(Options others) {
    Map<Option<?, ?>, Setting<?>> some = new LinkedHashMap<>(settings);
    some.values().removeAll(others.settings.values());
    return new Options(some);
  }

  public boolean isEmpty() {
    return settings.isEmpty();
  }

  /** Whether {@code option} has a value here. */
  public boolean has(Option<?, ?> option) {
    return settings.containsKey(option);
  }

  /** The value of {@code option}; empty if it has none here. */
  public <T> Optional<T> find(Option<?, T> option) {
    return Optional.ofNullable(settings.get(option))
        .map(setting -> option.type().values().cast(setting.value()));
  }

  /**
   * The value of {@code option}, or its default.
   *
   * @throws OptionException if there is neither
   */
  public <T> T value(Option<?, T> option) {
    return find(option)
        .or(option::fallback)
        .orElseThrow(() -> new OptionException("%s must be given", option));
  }

  /** All values, in the order in which they were first added. */
  public List<Setting<?>> settings() {
    return new ArrayList<>(settings.values());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Options options && settings.equals(options.settings);
  }

  @Override
  public int hashCode() {
    return settings.hashCode();
  }

  @Override
  public String toString() {
    return new Wording("%s", this).toString();
  }
}
