package dev.culebra.options;

/**
 * An exception whose message names options. {@link Throwable#getMessage} names them as components;
 * the wording can name them differently.
 */
public interface Worded {
  Wording wording();
}
