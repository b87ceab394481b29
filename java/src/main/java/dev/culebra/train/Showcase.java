package dev.culebra.train;

/** Text that shows what a model in training can do. */
interface Showcase extends AutoCloseable {
  /** What it can do now; waits for the device. */
  String write();

  @Override
  void close();
}
