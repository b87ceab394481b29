package dev.culebra.bench.gpu;

import dev.culebra.backend.Backend;
import dev.culebra.backend.Recording;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.Optimizer;
import dev.culebra.random.RandomStream;
import java.lang.foreign.MemorySegment;

/** Training steps of one model on batches of random tokens, like the trainer's. */
final class GpuStep implements AutoCloseable {
  private static final long SEED = 1337;

  private final Backend backend;
  private final Gpt model;
  private final Optimizer optimizer;
  private final Recording microStep;
  private final int[] inputs;
  private final int[] targets;
  private int steps;

  GpuStep(Backend backend, GptConfig config, int batch, Optimizer.Kind kind) {
    this.backend = backend;
    model = new Gpt(config, backend, SEED);
    model.plan(batch, config.context());
    optimizer = Optimizer.of(kind, model.parameters(), AdamW.Config.DEFAULT, SEED);
    microStep = backend.record(this::forwardAndBackward);
    inputs = tokens(batch * config.context(), config.vocab(), 0);
    targets = tokens(batch * config.context(), config.vocab(), 1);
  }

  private static int[] tokens(int count, int vocab, int stream) {
    RandomStream random = new RandomStream(SEED, stream, 0);
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = random.nextInt(vocab);
    }
    return tokens;
  }

  private void forwardAndBackward() {
    model.forward();
    model.backward(1);
  }

  private void begin() {
    model.zeroGradients();
    model.load(MemorySegment.ofArray(inputs), MemorySegment.ofArray(targets));
    model.setDraw(SEED, steps++);
  }

  /** A step, launch by launch, so that each operation can be timed. */
  void stepByStep() {
    begin();
    forwardAndBackward();
    optimizer.step(1e-4f);
  }

  /** A step like the trainer's. */
  private void step() {
    begin();
    microStep.replay();
    optimizer.step(1e-4f);
  }

  /** Seconds per step in each of several turns of {@code stepsOfATurn} steps. */
  double[] seconds(int turns, int stepsOfATurn) {
    for (int warm = 0; warm < 3; warm++) {
      step();
    }
    double[] seconds = new double[turns];
    for (int turn = 0; turn < turns; turn++) {
      backend.synchronize();
      long start = System.nanoTime();
      for (int i = 0; i < stepsOfATurn; i++) {
        step();
      }
      backend.synchronize();
      seconds[turn] = 1e-9 * (System.nanoTime() - start) / stepsOfATurn;
    }
    return seconds;
  }

  /** The loss of the last step. */
  float lossBlocking() {
    return model.readLossBlocking();
  }

  @Override
  public void close() {
    microStep.close();
    optimizer.close();
    model.close();
  }
}
