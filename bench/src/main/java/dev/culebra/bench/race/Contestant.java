package dev.culebra.bench.race;

/** A model in training on some engine. */
interface Contestant extends AutoCloseable {
  /**
   * One whole training step, complete on return: forward, backward, clip, AdamW.
   *
   * @return the loss before the step
   */
  float step();

  /** Memory of the activations and their gradients in bytes; 0 if the engine does not report it. */
  long activationBytes();

  @Override
  void close();
}
