package dev.culebra.train;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.data.Batch;
import dev.culebra.data.BatchSampler;
import dev.culebra.data.Corpus;
import dev.culebra.nn.Gpt;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.LearningRate;
import java.io.IOException;

/**
 * Trains a {@link Gpt}: the loop of batches, forward, backward, AdamW, evaluation and checkpoint. Step s draws its batches and
 * dropout masks from (seed, s) alone, so a run resumed from a checkpoint repeats the uninterrupted one to the bit. One thread runs
 * it; {@link #requestStop} may come from any.
 */
public final class Trainer implements AutoCloseable {
  private final TrainConfig config;
  private final Gpt model;
  private final AdamW optimizer;
  private final LearningRate learningRate;
  private final BatchSampler trainBatches;
  private final Evaluation evaluation;
  private final Batch batch;
  private final RunFiles files;
  private final TrainListener listener;
  private final Stopwatch stopwatch;
  private int step;
  private int loggedStep;
  private double loggedSeconds;
  private float bestValidationLoss;
  private volatile boolean stopRequested;

  /** Runs until the configured number of steps is reached or a stop is requested; saves in both cases. */
  public void run() throws IOException {
    while (step < config.steps() && !stopRequested) {
      stopwatch.start();
      step();
      stopwatch.pause();
      listener.onStep(step);
      boolean last = step == config.steps();
      boolean evaluate = last || due(config.evalEvery());
      if (evaluate || due(config.logEvery())) {
        log(evaluate);
      }
      if (last || due(config.saveEvery())) {
        save();
      }
      if (due(config.sampleEvery())) {
        sample();
      }
    }
    if (savedStep < step) {
      save();
    }
  }

  /** One optimizer step: nothing here waits for the device or allocates device memory. */
  private void step() {
    model.zeroGradients();
    for (int micro = 0; micro < config.gradAccum(); micro++) {
      long draw = (long) step * config.gradAccum() + micro;
      trainBatches.fill(batch, draw);
      model.load(batch.inputs(), batch.targets());
      model.setDraw(config.seed(), draw);
      model.forward();
      model.backward(1f / config.gradAccum());
    }
    optimizer.step(learningRate.at(step));
    step++;
  }

  private boolean due(int every) {
    return every > 0 && step % every == 0;
  }
}
