package dev.culebra.bench.race;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.WeightFile;
import dev.culebra.bench.pytorch.PyTorchAdamW;
import dev.culebra.bench.pytorch.PyTorchGpt;
import dev.culebra.nn.Gpt;
import java.io.IOException;

/** PyTorch's CPU engine through DJL. */
final class PyTorchContestant implements Contestant {
  private static final long SEED = 1337;

  private final Course course;
  private final PyTorchGpt model;
  private final PyTorchAdamW optimizer;
  private final int[][][] batches;
  private int steps;

  PyTorchContestant(Course course) throws IOException {
    this.course = course;
    try (Backend backend = new CpuBackend(1);
        Gpt ours = new Gpt(course.model(), backend, SEED)) {
      model = WeightFile.pass(ours, file -> new PyTorchGpt(course.model(), file));
    }
    optimizer = new PyTorchAdamW(model, RaceRules.ADAMW);
    batches = course.batches();
  }

  @Override
  public float step() {
    int[][] batch = batches[steps % batches.length];
    steps++;
    try (var pass = model.pass(batch[0], batch[1], course.batch(), course.time())) {
      optimizer.step(pass.gradients(), RaceRules.LEARNING_RATE);
      return pass.loss();
    }
  }

  @Override
  public long activationBytes() {
    return 0;
  }

  @Override
  public void close() {
    model.close();
  }
}
