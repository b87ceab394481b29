package dev.culebra.data;

import dev.culebra.random.RandomStream;

/**
 * Batches of random contexts: each row starts at a position chosen uniformly among all that have T
 * + 1 tokens. It has no state: a batch depends only on (tokens, seed, split, step, microStep), so
 * training resumed at any step sees the same batches, and evaluation with the same numbers always
 * sees the same batches. Thread-safe.
 */
public final class BatchSampler implements Batches {
  /** Streams 0x42…: for batches, by split (one bit) and micro-step. */
  private static final int STREAM = 0x42000000;

  private static final int SPLIT_SHIFT = 20;
  private static final int MAX_MICRO_STEPS = 1 << SPLIT_SHIFT;

  private final Tokens tokens;
  private final Split split;
  private final long seed;

  /** Draws from {@code tokens}, which the caller owns; {@code split} selects separate draws. */
  public BatchSampler(Tokens tokens, Split split, long seed) {
    this.tokens = tokens;
    this.split = split;
    this.seed = seed;
  }

  /** Draws from a part of {@code corpus}. */
  public BatchSampler(Corpus corpus, Split split, long seed) {
    this(corpus.tokens(split), split, seed);
  }

  @Override
  public boolean everyTargetCounts() {
    return true;
  }

  /**
   * Fills {@code batch} with the contexts of {@code step} and, with gradient accumulation, its
   * {@code microStep}. For fixed evaluation batches, number them by {@code step}.
   *
   * @throws DataException if the tokens are too few for the batch's context
   * @throws IllegalArgumentException if a number is negative or a micro-step above 2²⁰ − 1
   */
  @Override
  public void fill(Batch batch, int step, int microStep) {
    if (step < 0 || microStep < 0 || microStep >= MAX_MICRO_STEPS) {
      throw new IllegalArgumentException(
          "step %d, micro-step %d is out of range".formatted(step, microStep));
    }
    tokens.requireContext(batch.context());
    int stream = STREAM | split.ordinal() << SPLIT_SHIFT | microStep;
    RandomStream random = new RandomStream(seed, stream, step);
    long starts = tokens.size() - batch.context();
    for (int row = 0; row < batch.batch(); row++) {
      batch.fillRow(row, tokens, random.nextLong(starts));
    }
  }
}
