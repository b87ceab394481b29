package dev.culebra.bench.race;

import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.random.RandomStream;
import java.util.Arrays;

/** What is raced over: a model, a batch, and how many steps make a lap of about a second. */
public enum Course {
  /** The character model of the first minutes. */
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

  /** The model, without dropout: PyTorch would draw other masks. */
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

  /** Steps before the clock starts, enough for the JIT compiler. */
  public int warmupSteps() {
    return warmupSteps;
  }

  /** Steps of one turn. */
  public int lapSteps() {
    return lapSteps;
  }

  /** For people: {@code nano, vocab 65, B=12, T=64}. */
  public String describe() {
    return "%s, vocab %d, B=%d, T=%d".formatted(preset, vocab, batch, time);
  }

  /**
   * Floating-point operations of forward and backward, a multiply-add being two: 6 for each weight
   * of a matrix product and token, and 12 C for each pair of tokens and layer that attention looks
   * at. What a backward pass computes again is not counted.
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

  /** The different batches; step s takes number s modulo their count. */
  int[][][] batches() {
    int[][][] batches = new int[BATCHES][][];
    Arrays.setAll(batches, this::batch);
    return batches;
  }
}
