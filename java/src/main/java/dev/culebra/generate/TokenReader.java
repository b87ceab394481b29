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

  /** How many tokens it may draw before the host reads them. */
  int ahead();

  /**
   * Reads the last token of each of these sequences and draws its successor, {@code steps} times;
   * the histories of their places have all drawn tokens. The tokens before it have been read.
   *
   * @param steps from 1 to {@link #ahead()}
   */
  void draw(List<Sequence> sequences, int steps);

  @Override
  void close();
}
