package dev.culebra.generate;

import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.tensor.Tensor;

/** How a model reads a window of tokens that grows, and draws the token behind it. */
interface NextToken extends AutoCloseable {
  /** Forgets the window; reads the first {@code length} tokens of another. */
  void restart(int[] window, int length);

  /**
   * Reads the last of {@code length} tokens of the window, those before it having been read, and
   * draws its successor.
   *
   * @param key of the draw
   * @param drawn I32 (1), the token drawn
   */
  void draw(int[] window, int length, SamplingSpec spec, RandomKey key, Tensor drawn);

  @Override
  void close();
}
