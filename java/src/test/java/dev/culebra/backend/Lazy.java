package dev.culebra.backend;

import java.util.function.Supplier;

/** A value that is computed on first use and then kept. Not thread-safe. */
final class Lazy<T> implements Supplier<T> {
  private final Supplier<T> source;
  private T value;

  Lazy(Supplier<T> source) {
    this.source = source;
  }

  @Override
  public T get() {
    if (value == null) {
      value = source.get();
    }
    return value;
  }
}
