package dev.culebra.data;

import java.util.function.BooleanSupplier;

/** A text that shows what a model can do during training. */
@FunctionalInterface
public interface Showcase {
  /**
   * The current text; waits for the device. Equal weights give equal texts.
   *
   * @param abandon called from time to time; true to give up
   * @return null if {@code abandon} returned true
   */
  String write(BooleanSupplier abandon);
}
