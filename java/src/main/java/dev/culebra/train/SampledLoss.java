package dev.culebra.train;

import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.nn.LanguageModel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Mean loss over the counted tokens of some batches of the validation part, without dropout. The
 * batches are always the same, so that evaluations of a run can be compared.
 */
final class SampledLoss {
  private final LanguageModel model;
  private final Batches validation;
  private final Batch batch;

  /** Element n: counted targets in the first n batches, computed on demand. */
  private final List<Long> counted = new ArrayList<>(List.of(0L));

  /** The model is planned for the shape of {@code batch}; the caller owns everything. */
  SampledLoss(LanguageModel model, Batches validation, Batch batch) {
    this.model = model;
    this.validation = validation;
    this.batch = batch;
  }

  /**
   * The loss over {@code batches} batches; leaves the model in training mode.
   *
   * @return null if {@code abandon} returned true meanwhile
   */
  Float of(int batches, BooleanSupplier abandon) {
    long targets = countedIn(batches);
    model.eval();
    model.zeroLoss();
    boolean abandoned = false;
    for (int i = 0; i < batches && !abandoned; i++) {
      validation.fill(batch, i, 0);
      model.load(batch.inputs(), batch.targets());
      model.forward();
      model.loss(batch.weight(targets));
      abandoned = abandon.getAsBoolean();
    }
    model.train();
    return abandoned ? null : model.readLossBlocking();
  }

  /** Counted once per run: the batches stay the same. */
  private long countedIn(int batches) {
    if (validation.everyTargetCounts()) {
      return batches * batch.tokens();
    }
    for (int i = counted.size() - 1; i < batches; i++) {
      counted.add(counted.get(i) + validation.countedTargets(batch, i, 1));
    }
    return counted.get(batches);
  }
}
