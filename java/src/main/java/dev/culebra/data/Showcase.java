package dev.culebra.data;

import java.util.function.BooleanSupplier;

/** Text that shows what a model in training can do. */
@FunctionalInterface
public interface Showcase {
  /**
   * What it can do now; waits for the device. Equal weights give an equal text.
   *
   * @param abandon asked now and then whether to give up
   * @return null if {@code abandon} said so
   */
  String write(BooleanSupplier abandon);
}
