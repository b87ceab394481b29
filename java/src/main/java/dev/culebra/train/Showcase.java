package dev.culebra.train;

import java.util.function.BooleanSupplier;

/** Text that shows what a model in training can do. */
interface Showcase extends AutoCloseable {
  /**
   * What it can do now; waits for the device.
   *
   * @param abandon asked now and then whether to give up
   * @return null if {@code abandon} said so
   */
  String write(BooleanSupplier abandon);

  @Override
  void close();
}
