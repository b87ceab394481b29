package dev.culebra.options;

/**
 * An exception whose message names options. {@link Throwable#getMessage} names them as components;
 * who has other names for them asks for the wording.
 */
public interface Worded {
  Wording wording();
}
