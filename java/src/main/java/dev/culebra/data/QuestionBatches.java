package dev.culebra.data;

import dev.culebra.random.RandomStream;
import java.util.function.Function;

/** Batches whose rows are questions drawn at random. */
final class QuestionBatches implements Batches {
  private static final int PART_SHIFT = 20;
  private static final int MAX_MICRO_STEPS = 1 << PART_SHIFT;

  private final long seed;
  private final int stream;
  private final Function<RandomStream, Question> draw;

  /**
   * @param stream of the random numbers, its lower 24 bits 0
   * @param part from 0 to 15: another has other random numbers
   * @param draw makes a question from random numbers alone; thread-safe
   */
  QuestionBatches(long seed, int stream, int part, Function<RandomStream, Question> draw) {
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
