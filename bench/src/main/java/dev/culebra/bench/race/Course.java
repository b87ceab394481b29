package dev.culebra.bench.race;

import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.random.RandomStream;
import java.util.Arrays;

/** A course: a model, a batch, and the number of steps for a lap of about a second. */
public enum Course {
  /** The small character model. */
  A(Preset.NANO, 65, 12, 64, 200, 20),
  /** The lecture's model. */
  B(Preset.BABY, 65, 8, 256, 8, 1),
  /** GPT-2 as published, 124 million parameters. */
  C(Preset.GPT2, 50257, 4, 64, 4, 1);

  private static final int BATCHES = 8;
  private static final long SEED = 1337;

  private final Preset preset;
  private final int vocab;
  private final int batch;
  private final int time;
  private final int warmupSteps;
  private final int lapSteps;

  Course(Preset preset, int vocab, int batch, int time, int warmupSteps, int lapSteps) {
    this.preset = preset;
    this.vocab = vocab;
    this.batch = batch;
    this.time = time;
    this.warmupSteps = warmupSteps;
    this.lapSteps = lapSteps;
  }

  /** The model, without dropout: PyTorch would draw different masks. */
  public GptConfig model() {
    return preset.config(vocab).with(GptConfig.DROPOUT, 0f);
  }

  /** B. */
  public int batch() {
    return batch;
  }

  /** T. */
  public int time() {
    return time;
  }

  /** B · T. */
  public int tokens() {
    return batch * time;
  }

  /** Untimed steps, enough for the JIT compiler. */
  public int warmupSteps() {
    return warmupSteps;
  }

  /** Steps per turn. */
  public int lapSteps() {
    return lapSteps;
  }

  /** A description: {@code nano, vocab 65, B=12, T=64}. */
  public String describe() {
    return "%s, vocab %d, B=%d, T=%d".formatted(preset, vocab, batch, time);
  }

  /**
   * Floating-point operations of forward and backward, where a multiply-add counts as two: 6 for
   * each weight of a matrix product and token, and 12 C for each pair of attending tokens and
   * layer. Recomputation in the backward pass is not counted.
   */
  public double flops() {
    GptConfig model = model();
    double width = model.embd();
    double weights = model.layers() * 12.0 * width * width + model.vocab() * width;
    double pairs = batch * time * (time + 1) / 2.0;
    return 6 * weights * tokens() + 12 * width * pairs * model.layers();
  }

  /** Inputs and targets of step {@code step}, (B, T) each: the same for every engine. */
  int[][] batch(int step) {
    RandomStream random = new RandomStream(SEED, 0, step % BATCHES);
    int[][] batch = new int[2][tokens()];
    for (int[] side : batch) {
      Arrays.setAll(side, i -> random.nextInt(vocab));
    }
    return batch;
  }

  /** The number of different batches; step s uses number s modulo this count. */
  int[][][] batches() {
    int[][][] batches = new int[BATCHES][][];
    Arrays.setAll(batches, this::batch);
    return batches;
  }
}
