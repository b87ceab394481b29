package dev.culebra.backend;

/**
 * Work on a device that is done again and again in the same way, which some devices can do with
 * less effort than the first time. Made by {@link Backend#record}. One thread at a time.
 */
public interface Recording extends AutoCloseable {
  /** Does the work, with what its tensors hold now. */
  void replay();

  /** Forgets the work. Closing twice is harmless. */
  @Override
  void close();
}
