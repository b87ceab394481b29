package dev.culebra.train;

import dev.culebra.backend.Recording;
import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.io.Owned;
import dev.culebra.nn.LanguageModel;
import java.util.function.BooleanSupplier;

/**
 * The forward and backward passes of an optimizer step over all its micro-batches. Loss and
 * gradients are means over the counted tokens, however they are spread over the micro-batches: a
 * micro-batch of n tokens has the weight n / (tokens of the step), as if all were one batch.
 */
final class MicroSteps implements AutoCloseable {
  private final Owned owned = new Owned();
  private final LanguageModel model;
  private final Batches batches;
  private final Batch batch;
  private final int count;
  private final long seed;

  /** The whole micro-step; null if its weight differs each time. */
  private final Recording whole;

  private final Recording forward;
  private final Recording backward;

  /**
   * Records a micro-step.
   *
   * @param model planned for the shape of {@code batch}; the caller owns both
   * @param count micro-steps per step
   */
  MicroSteps(LanguageModel model, Batches batches, Batch batch, int count, long seed) {
    this.model = model;
    this.batches = batches;
    this.batch = batch;
    this.count = count;
    this.seed = seed;
    if (count == 1 || batches.everyTargetCounts()) { // then all micro-steps have equal weights
      whole =
          owned.add(
              model
                  .backend()
                  .record(
                      () -> {
                        model.forward();
                        model.backward(1f / count);
                      }));
      forward = null;
      backward = null;
    } else {
      // A recording's numbers are fixed, so the weight is applied between two recordings.
      whole = null;
      forward = owned.add(model.backend().record(model::forward));
      backward = owned.add(model.backend().record(model::backward));
    }
  }

  /**
   * Adds the step's mean loss and gradients to the model's. Never waits for the device or allocates
   * its memory.
   *
   * @return false if {@code abandon} returned true before the last micro-step
   */
  boolean run(int step, BooleanSupplier abandon) {
    long counted = whole == null ? batches.countedTargets(batch, step, count) : 0;
    for (int micro = 0; micro < count; micro++) {
      if (micro > 0 && abandon.getAsBoolean()) {
        return false;
      }
      batches.fill(batch, step, micro);
      model.load(batch.inputs(), batch.targets());
      model.setDraw(seed, (long) step * count + micro);
      if (whole != null) {
        whole.replay();
      } else {
        forward.replay();
        model.lossAndGradient(batch.weight(counted));
        backward.replay();
      }
    }
    return true;
  }

  @Override
  public void close() {
    owned.close();
  }
}
