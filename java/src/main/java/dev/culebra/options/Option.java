package dev.culebra.options;

import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * Something that a user can choose. It is defined here once: flags, JSON fields, help and checks
 * are derived from it. Immutable; two options are never equal.
 *
 * <pre>{@code
 * static final Option<TrainingConfig, Integer> BATCH =
 *     Option.of("batch", ValueType.WHOLE, TrainingConfig::batch)
 *         .help("N", "Sequences of a micro-step.")
 *         .range(Range.atLeast(1))
 *         .otherwise(12);
 * }</pre>
 *
 * @param <R> the record that holds the value
 * @param <T> the type of the value
 */
public final class Option<R, T> {
  private final String name;
  private final ValueType<T> type;
  private final Function<R, T> getter;
  private String placeholder = "X";
  private Wording help = Wording.NONE;
  private Range<T> range = Range.all();
  private T fallback;
  private Wording rule = Wording.NONE;
  private boolean open;
  private boolean internal;

  private Option(String name, ValueType<T> type, Function<R, T> getter) {
    this.name = name;
    this.type = type;
    this.getter = getter;
  }

  /**
   * An option that accepts every value of its type.
   *
   * @param name in camelCase, the name of the record's component
   */
  public static <R, T> Option<R, T> of(String name, ValueType<T> type, Function<R, T> getter) {
    return new Option<>(name, type, getter);
  }

  /**
   * Adds the help text.
   *
   * @param placeholder shown in place of a value in the help: {@code N}
   * @param text sentences; for an enum they follow the list of its constants
   * @param named the options mentioned in the text
   */
  public Option<R, T> help(String placeholder, String text, Object... named) {
    Option<R, T> changed = copy();
    changed.placeholder = placeholder;
    changed.help = new Wording(text, named);
    return changed;
  }

  /** Restricts the values. */
  public Option<R, T> range(Range<T> range) {
    Option<R, T> changed = copy();
    changed.range = range;
    return changed;
  }

  /** Adds the default, used where neither user, data nor preset sets a value. */
  public Option<R, T> otherwise(T fallback) {
    Option<R, T> changed = copy();
    changed.fallback = fallback;
    return changed;
  }

  /** Describes how the default is derived from other options. */
  public Option<R, T> follows(String rule, Object... named) {
    Option<R, T> changed = copy();
    changed.rule = new Wording(rule, named);
    return changed;
  }

  /** Allows a change when a run is resumed. */
  public Option<R, T> changeable() {
    Option<R, T> changed = copy();
    changed.open = true;
    return changed;
  }

  /** Makes it an option that is stored with a run but not set by users. */
  public Option<R, T> internal() {
    Option<R, T> changed = copy();
    changed.internal = true;
    return changed;
  }

  private Option<R, T> copy() {
    Option<R, T> copy = new Option<>(name, type, getter);
    copy.placeholder = placeholder;
    copy.help = help;
    copy.range = range;
    copy.fallback = fallback;
    copy.rule = rule;
    copy.open = open;
    copy.internal = internal;
    return copy;
  }

  /** {@code kvHeads}. */
  public String name() {
    return name;
  }

  /** The name in lower case with its words joined: {@code kv_heads}, {@code kv-heads}. */
  public String name(char joint) {
    return name.replaceAll("(?=[A-Z])", String.valueOf(joint)).toLowerCase(Locale.ROOT);
  }

  public ValueType<T> type() {
    return type;
  }

  /** The value in a record. */
  public T of(R record) {
    return getter.apply(record);
  }

  public String placeholder() {
    return placeholder;
  }

  public Wording help() {
    return help;
  }

  /** The default; empty where every preset sets a value. */
  public Optional<T> fallback() {
    return Optional.ofNullable(fallback);
  }

  /** How the default is derived from other options; empty if it is not. */
  public Wording rule() {
    return rule;
  }

  public boolean isChangeable() {
    return open;
  }

  public boolean isInternal() {
    return internal;
  }

  /** This option with a value. */
  public Setting<T> set(T value) {
    return new Setting<>(this, value);
  }

  /**
   * Rejects a value outside the range.
   *
   * @throws OptionException if the value is null or outside the range
   */
  public void require(T value) {
    String complaint = value == null ? "must be given" : range.complaint(value);
    if (complaint != null) {
      throw new OptionException("%s %s", this, complaint);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
