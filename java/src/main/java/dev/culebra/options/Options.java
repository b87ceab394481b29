package dev.culebra.options;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** Values of some options: what a configuration file or a command line says. Immutable. */
public final class Options {
  /** Nothing is said. */
  public static final Options NONE = new Options(Map.of());

  private final Map<Option<?, ?>, Setting<?>> settings;

  private Options(Map<Option<?, ?>, Setting<?>> settings) {
    this.settings = settings;
  }

  /** All that a record says of {@code options}. */
  public static <R> Options of(R record, Collection<Option<R, ?>> options) {
    Map<Option<?, ?>, Setting<?>> settings = new LinkedHashMap<>();
    options.forEach(option -> settings.put(option, setting(option, record)));
    return new Options(settings);
  }

  private static <R, T> Setting<T> setting(Option<R, T> option, R record) {
    return option.set(option.of(record));
  }

  /** These, but for one. */
  public <T> Options with(Option<?, T> option, T value) {
    return with(option.set(value));
  }

  /** These, but for one. */
  public Options with(Setting<?> setting) {
    Map<Option<?, ?>, Setting<?>> all = new LinkedHashMap<>(settings);
    all.put(setting.option(), setting);
    return new Options(all);
  }

  /** These, replaced by those that {@code over} has. */
  public Options with(Options over) {
    Map<Option<?, ?>, Setting<?>> all = new LinkedHashMap<>(settings);
    all.putAll(over.settings);
    return new Options(all);
  }

  /** These without one. */
  public Options without(Option<?, ?> option) {
    return only(other -> other != option);
  }

  /** Those of some options. */
  public Options only(Predicate<Option<?, ?>> wanted) {
    Map<Option<?, ?>, Setting<?>> some = new LinkedHashMap<>(settings);
    some.keySet().removeIf(wanted.negate());
    return new Options(some);
  }

  /** Those that {@code others} does not have, or has with other values. */
  public Options minus(Options others) {
    Map<Option<?, ?>, Setting<?>> some = new LinkedHashMap<>(settings);
    some.values().removeAll(others.settings.values());
    return new Options(some);
  }

  public boolean isEmpty() {
    return settings.isEmpty();
  }

  /** Whether these have a value for it. */
  public boolean has(Option<?, ?> option) {
    return settings.containsKey(option);
  }

  /** The value that these have, or nothing. */
  public <T> Optional<T> find(Option<?, T> option) {
    return Optional.ofNullable(settings.get(option))
        .map(setting -> option.type().values().cast(setting.value()));
  }

  /**
   * The value that these have, or the one for where nobody chooses.
   *
   * @throws OptionException if there is neither
   */
  public <T> T value(Option<?, T> option) {
    return find(option)
        .or(option::fallback)
        .orElseThrow(() -> new OptionException("%s must be given", option));
  }

  /** All, in the order in which they were first said. */
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
