package dev.culebra.generate;

import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.tensor.Tensor;

/** Reads a growing window of tokens with a model and draws the next token. */
interface NextToken extends AutoCloseable {
  /** Starts over with the first {@code length} tokens of another window. */
  void restart(int[] window, int length);

  /**
   * Reads the last of {@code length} tokens of the window and draws its successor. The tokens
   * before it have been read.
   *
   * @param key of the draw
   * @param drawn I32 (1), the token drawn
   */
  void draw(int[] window, int length, SamplingSpec spec, RandomKey key, Tensor drawn);

  @Override
  void close();
}
