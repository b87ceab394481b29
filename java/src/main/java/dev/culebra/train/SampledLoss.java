package dev.culebra.train;

import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.nn.LanguageModel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Mean loss over the tokens that count in some batches of the validation part, the same ones each
 * time, so that evaluations of one run compare. Dropout is off meanwhile.
 */
final class SampledLoss {
  private final LanguageModel model;
  private final Batches validation;
  private final Batch batch;

  /** Element n: targets that count in the first n batches, as far as that was asked for. */
  private final List<Long> counted = new ArrayList<>(List.of(0L));

  /** The model is planned for the shape of {@code batch}; all stay the caller's. */
  SampledLoss(LanguageModel model, Batches validation, Batch batch) {
    this.model = model;
    this.validation = validation;
    this.batch = batch;
  }

  /**
   * Over {@code batches} batches; leaves the model in training mode.
   *
   * @return null if {@code abandon} said to give up in between
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

  /** Counted once a run: the batches stay the same. */
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
