package dev.culebra.train;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.data.Batch;
import dev.culebra.data.BatchSampler;
import dev.culebra.data.Dataset;
import dev.culebra.nn.Gpt;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.LearningRate;
import java.io.IOException;

/**
 * Trains a {@link Gpt} on a {@link Dataset} in a run directory: the loop of batches, forward, backward, AdamW, evaluation and
 * checkpoint. Step s draws its batches and dropout masks from (seed, s) alone, so a run resumed from a checkpoint repeats the
 * uninterrupted one to the bit. The constructing thread runs it; {@link #requestStop} may come from any.
 */
public final class Trainer implements AutoCloseable {
  private final TrainConfig config;
  private final Gpt model;
  private final AdamW optimizer;
  private final LearningRate learningRate;
  private final BatchSampler trainBatches;
  private final BatchSampler validationBatches;
  private final Batch batch;
  private final RunDirectory run;
  private final MetricsLog log;
  private final TrainListener listener;
  private final Stopwatch stopwatch = new Stopwatch();
  private TrainingState state;
  private volatile boolean stopRequested;

  public void run() throws IOException {
    while (state.step() < config.steps() && !stopRequested) {
      int step = step();
      boolean last = step == config.steps();
      boolean evaluate = last || step % config.evalEvery() == 0;
      if (evaluate || step % config.logEvery() == 0) {
        log(step, evaluate);
      }
      if (last || stopRequested || step % config.saveEvery() == 0) {
        save(step);
      }
    }
  }
}
