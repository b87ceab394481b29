package dev.culebra.data;

import dev.culebra.random.RandomStream;
import java.util.function.Function;

/** Batches whose rows, questions say, are drawn at random. Thread-safe. */
public final class QuestionBatches implements Batches {
  private static final int PART_SHIFT = 20;
  private static final int PARTS = 16;
  private static final int STREAM_OF_PART = PARTS << PART_SHIFT;
  private static final int MAX_MICRO_STEPS = 1 << PART_SHIFT;

  private final long seed;
  private final int stream;
  private final Function<RandomStream, ? extends BatchRow> draw;

  /**
   * @param seed of the run
   * @param stream of the random numbers, with its lower 24 bits 0; user-defined streams start at
   *     0x50000000
   * @param part from 0 to 15, such as a {@link Split#ordinal}; each part has different random
   *     numbers
   * @param draw makes a row from random numbers alone; thread-safe
   */
  public QuestionBatches(
      long seed, int stream, int part, Function<RandomStream, ? extends BatchRow> draw) {
    if ((stream & STREAM_OF_PART - 1) != 0 || part < 0 || part >= PARTS) {
      throw new IllegalArgumentException("no stream 0x%08X with part %d".formatted(stream, part));
    }
    this.seed = seed;
    this.stream = stream | part << PART_SHIFT;
    this.draw = draw;
  }

  @Override
  public void fill(Batch batch, int step, int microStep) {
    if (step < 0 || microStep < 0 || microStep >= MAX_MICRO_STEPS) {
      throw new IllegalArgumentException(
          "step %d, micro-step %d is out of range".formatted(step, microStep));
    }
    RandomStream random = new RandomStream(seed, stream | microStep, step);
    for (int row = 0; row < batch.batch(); row++) {
      draw.apply(random).fill(batch, row);
    }
  }
}
