package dev.culebra.bench.oracle;

import ai.djl.ndarray.NDArray;
import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.WeightFile;
import dev.culebra.bench.pytorch.PyTorchAdamW;
import dev.culebra.bench.pytorch.PyTorchGpt;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Parameter;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.LearningRate;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs both engines on one {@link OracleCase} with the same weights and batches. */
final class Comparison implements AutoCloseable {
  private static final long SEED = 1337;
  private static final int STEPS = 10;
  private static final int NOISE_STREAM = 100;
  private static final int BATCH_STREAM = 101;
  private static final LearningRate LEARNING_RATE =
      new LearningRate(LearningRate.Schedule.COSINE, 1e-3f, 1e-4f, 3, STEPS);

  /** Small enough that the first step is always clipped. */
  private static final AdamW.Config ADAMW = new AdamW.Config(0.9f, 0.95f, 1e-8f, 0.1f, 0.5f);

  private final OracleCase where;
  private final Backend backend = new CpuBackend();
  private final Gpt ours;
  private final PyTorchGpt theirs;
  private final List<Finding> findings = new ArrayList<>();

  Comparison(OracleCase where) throws IOException {
    this.where = where;
    ours = new Gpt(where.model(), backend, SEED);
    ours.parameters().list().forEach(this::addNoise);
    ours.parameters().refreshWeights();
    ours.plan(where.batch(), where.time());
    theirs = WeightFile.pass(ours, file -> new PyTorchGpt(where.model(), file));
  }

  /** Biases of 0 and scales of 1 would hide a forgotten one. */
  private void addNoise(Parameter parameter) {
    if (!parameter.decayed()) {
      RandomStream random = new RandomStream(SEED, NOISE_STREAM, parameter.name().hashCode());
      Tensor master = ours.parameters().slice(ours.parameters().values(), parameter);
      float[] values = backend.readFloatsBlocking(master);
      for (int i = 0; i < values.length; i++) {
        values[i] += 0.1f * random.nextNormal();
      }
      backend.upload(master, values);
    }
  }

  /** All findings of this case. */
  List<Finding> run() {
    try (AdamW ourOptimizer = new AdamW(ours.parameters(), ADAMW)) {
      PyTorchAdamW theirOptimizer = new PyTorchAdamW(theirs, ADAMW);
      float[] ourLosses = new float[STEPS];
      float[] theirLosses = new float[STEPS];
      for (int step = 0; step < STEPS; step++) {
        int[] tokens = tokens(2 * step);
        int[] targets = tokens(2 * step + 1);
        load(tokens, targets);
        try (var pass = theirs.pass(tokens, targets, where.batch(), where.time())) {
          float[] logits = forwardBackward();
          ourLosses[step] = ours.readLossBlocking();
          theirLosses[step] = pass.loss();
          if (step == 0) {
            compareFirst(pass, logits, ourLosses[0]);
          }
          theirOptimizer.step(pass.gradients(), LEARNING_RATE.at(step));
        }
        ourOptimizer.step(LEARNING_RATE.at(step));
      }
      findings.add(Finding.of("losses of 10 steps", Tolerance.STEPS, ourLosses, theirLosses));
    }
    return findings;
  }

  private void compareFirst(PyTorchGpt.Pass pass, float[] logits, float loss) {
    findings.add(Finding.of("logits", Tolerance.LOGITS, logits, pass.logits().toFloatArray()));
    findings.add(Finding.of("loss", Tolerance.LOSS, new float[] {loss}, new float[] {pass.loss()}));
    for (Parameter parameter : ours.parameters().list()) {
      compareGradient(parameter, pass.gradients().get(parameter.name()));
    }
  }

  private void compareGradient(Parameter parameter, NDArray expected) {
    float[] gradient = backend.readFloatsBlocking(parameter.gradient());
    int saved = Math.toIntExact(parameter.savedShape().elements());
    findings.add(
        Finding.of(
            parameter.name(),
            Tolerance.GRADIENT,
            Arrays.copyOf(gradient, saved),
            expected.toFloatArray()));
    if (saved < gradient.length) {
      float[] padding = Arrays.copyOfRange(gradient, saved, gradient.length);
      findings.add(
          Finding.of(
              parameter.name() + ", rows above the vocabulary",
              Tolerance.PADDING,
              padding,
              new float[padding.length]));
    }
  }

  private int[] tokens(int index) {
    RandomStream random = new RandomStream(SEED, BATCH_STREAM, index);
    int[] tokens = new int[where.batch() * where.time()];
    Arrays.setAll(tokens, i -> random.nextInt(where.model().vocab()));
    return tokens;
  }

  private void load(int[] tokens, int[] targets) {
    ours.load(MemorySegment.ofArray(tokens), MemorySegment.ofArray(targets));
  }

  /** Returns the logits (B · T, V) without padding. */
  private float[] forwardBackward() {
    ours.zeroGradients();
    Tensor logits = ours.forward();
    int vocab = where.model().vocab();
    int padded = logits.shape().dim(-1);
    float[] kept = new float[logits.shape().rows() * vocab];
    for (int row = 0; row < logits.shape().rows(); row++) {
      Tensor slice = logits.slice((long) row * padded, Shape.of(vocab));
      System.arraycopy(backend.readFloatsBlocking(slice), 0, kept, row * vocab, vocab);
    }
    ours.backward(1);
    return kept;
  }

  @Override
  public void close() {
    theirs.close();
    ours.close();
    backend.close();
  }
}
