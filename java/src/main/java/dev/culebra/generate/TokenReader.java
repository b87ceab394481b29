package dev.culebra.generate;

import java.util.List;

/** Reads growing texts with a model and draws their next tokens. */
interface TokenReader extends AutoCloseable {
  /** How many texts it can read together, with the same bits as alone. */
  int places();

  /** Whether it goes on when a window is full, seeing the last tokens of the text. */
  boolean slides();

  /** Reads all tokens of the window but the last, from position 0. */
  void restart(Sequence sequence);

  /**
   * Reads the last token of each of these sequences and draws its successor into their places. The
   * tokens before it have been read.
   */
  void draw(List<Sequence> sequences);

  @Override
  void close();
}
