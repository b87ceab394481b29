package dev.culebra.bench.race;

import dev.culebra.backend.Backend;
import dev.culebra.nn.Gpt;
import dev.culebra.optim.AdamW;
import java.lang.foreign.MemorySegment;

/** Culebra, trained as by {@link dev.culebra.train.Trainer}. */
public final class CulebraContestant implements Contestant {
  private static final long SEED = 1337;

  private final Backend backend;
  private final Gpt model;
  private final AdamW optimizer;
  private final MemorySegment[][] batches;
  private final long activationBytes;
  private int steps;

  /** A model with its optimizer on {@code backend}; closing it closes the backend. */
  public CulebraContestant(Course course, Backend backend) {
    this.backend = backend;
    model = new Gpt(course.model(), backend, SEED);
    long before = backend.memory().liveBytes();
    model.plan(course.batch(), course.time());
    model.train();
    activationBytes = backend.memory().liveBytes() - before;
    optimizer = new AdamW(model.parameters(), RaceRules.ADAMW);
    int[][][] tokens = course.batches();
    batches = new MemorySegment[tokens.length][];
    for (int i = 0; i < tokens.length; i++) {
      batches[i] =
          new MemorySegment[] {
            MemorySegment.ofArray(tokens[i][0]), MemorySegment.ofArray(tokens[i][1])
          };
    }
  }

  @Override
  public float step() {
    MemorySegment[] batch = batches[steps % batches.length];
    model.zeroGradients();
    model.load(batch[0], batch[1]);
    model.setDraw(SEED, steps);
    model.forward();
    model.backward(1);
    optimizer.step(RaceRules.LEARNING_RATE);
    steps++;
    return model.readLossBlocking();
  }

  @Override
  public long activationBytes() {
    return activationBytes;
  }

  @Override
  public void close() {
    optimizer.close();
    model.close();
    backend.close();
  }
}
