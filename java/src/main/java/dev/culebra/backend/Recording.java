package dev.culebra.backend;

/**
 * Recorded work on a device that can be repeated, on some devices with less overhead than the first
 * time. Created by {@link Backend#record}. One thread at a time.
 */
public interface Recording extends AutoCloseable {
  /** Repeats the work on the current content of its tensors. */
  void replay();

  /** Releases the recording. Closing twice is harmless. */
  @Override
  void close();
}
