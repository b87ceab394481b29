package dev.culebra.options;

/**
 * An option with a value.
 *
 * @param <T> the type of the value
 */
public record Setting<T>(Option<?, T> option, T value) {
  /** The value as {@link ValueType#parse} reads it. */
  public String text() {
    return option.type().text(value);
  }

  @Override
  public String toString() {
    return Naming.COMPONENTS.setting(this);
  }
}
