package dev.culebra.optim;

import dev.culebra.backend.Backend;
import dev.culebra.backend.MuonStep;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Muon for the matrices of a model, {@link AdamW} for its tables, biases and scales: the momentum
 * of a matrix is made nearly orthogonal before it is subtracted, so that no direction is neglected
 * (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024). A step is
 * scaled to be as large as one of AdamW, so that rate and decay are the same for both (Liu et al.,
 * "Muon is scalable for LLM training", 2025).
 */
public final class Muon implements Optimizer {
  /** What names of states begin with. */
  static final String STATE = "muon.";

  private static final String MOMENTUM = STATE + "m.";

  /** μ of the paper. */
  private static final float MU = 0.95f;

  /** A matrix and what belongs to it. */
  private record Matrix(Parameter parameter, Tensor momentum, Tensor direction) {}

  private final Parameters parameters;
  private final Backend backend;
  private final AdamW.Config config;
  private final long seed;
  private final Buffer buffer;
  private final Tensor gradientNorm;
  private final List<Matrix> matrices = new ArrayList<>();
  private final List<AdamW> others = new ArrayList<>();
  private int steps;

  /**
   * Momentum of 0 for {@code parameters}.
   *
   * @param config of AdamW; decay and clipping are Muon's, too
   * @param seed of the stochastic rounding where the backend computes in BF16
   */
  public Muon(Parameters parameters, AdamW.Config config, long seed) {
    this.parameters = parameters;
    this.backend = parameters.backend();
    this.config = config;
    this.seed = seed;
    List<Parameter> chosen =
        parameters.list().stream()
            .filter(parameter -> parameter.kind() == Parameter.Kind.MATRIX)
            .sorted(Comparator.comparingLong(parameters::offset))
            .toList();
    long elements = chosen.stream().mapToLong(parameter -> parameter.shape().elements()).sum();
    buffer = backend.allocate((2 * elements + 1) * DType.F32.bytes());
    gradientNorm = new Tensor(buffer, 2 * elements * Float.BYTES, DType.F32, Shape.of(1));
    try {
      divide(chosen, elements);
      takeWorkspace();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * What a device needs to make the largest matrix (R, C) of a model orthogonal, at most: a second
   * one and two of its smaller dimension squared, rounded up to a power of two.
   */
  public static long workspaceBytes(GptConfig config) {
    long width = config.embd();
    return 2 * (config.expandedWidth() * width + 2 * width * width) * DType.F32.bytes();
  }

  /** So that what does not fit is known before the first step. Zeros stay zeros. */
  private void takeWorkspace() {
    matrices.stream()
        .max(Comparator.comparingLong(matrix -> matrix.parameter.shape().elements()))
        .ifPresent(largest -> backend.ops().orthogonalise(largest.direction));
  }

  /** The matrices get memory, what lies between them an AdamW of its own. */
  private void divide(List<Parameter> chosen, long elements) {
    long taken = 0;
    long from = 0;
    for (Parameter parameter : chosen) {
      Shape shape = parameter.shape();
      Tensor momentum = new Tensor(buffer, taken * Float.BYTES, DType.F32, shape);
      Tensor direction = new Tensor(buffer, (elements + taken) * Float.BYTES, DType.F32, shape);
      matrices.add(new Matrix(parameter, momentum, direction));
      taken += shape.elements();
      addOthers(from, parameters.offset(parameter));
      from = parameters.end(parameter);
    }
    addOthers(from, parameters.values().elements());
  }

  private void addOthers(long from, long to) {
    if (from < to) {
      others.add(new AdamW(parameters, config, seed + from, from, to));
    }
  }

  @Override
  public void step(float learningRate) {
    backend.ops().norm(gradientNorm, parameters.gradients());
    others.forEach(other -> other.step(learningRate, gradientNorm));
    steps++;
    for (Matrix matrix : matrices) {
      MuonStep step = step(matrix, learningRate, config.weightDecay(), config.maxNorm());
      Tensor gradient = parameters.slice(parameters.gradients(), matrix.parameter);
      backend.ops().muonMomentum(matrix.direction, matrix.momentum, gradient, gradientNorm, step);
      backend.ops().orthogonalise(matrix.direction);
      update(matrix, step);
    }
  }

  /** Each matrix is rounded with a seed of its own: elements count from 0 in each. */
  private MuonStep step(Matrix matrix, float learningRate, float weightDecay, float maxNorm) {
    long seedOfMatrix = seed + parameters.offset(matrix.parameter);
    return new MuonStep(steps, learningRate, MU, weightDecay, maxNorm, seedOfMatrix);
  }

  private void update(Matrix matrix, MuonStep step) {
    boolean copied = backend.dtype() != DType.F32;
    backend
        .ops()
        .muonUpdate(
            copied ? matrix.parameter.value() : null,
            parameters.slice(parameters.values(), matrix.parameter),
            matrix.direction,
            step);
  }

  @Override
  public float readGradientNormBlocking() {
    return backend.readFloatBlocking(gradientNorm);
  }

  @Override
  public int steps() {
    return steps;
  }

  @Override
  public List<State> states() {
    List<State> states = new ArrayList<>();
    for (Matrix matrix : matrices) {
      String name = MOMENTUM + matrix.parameter.name();
      states.add(new State(name, matrix.parameter, matrix.momentum));
    }
    others.forEach(other -> states.addAll(other.states()));
    return states;
  }

  /** A step of rate 0 along the zeros that directions begin with does the rounding. */
  @Override
  public void resumeAt(int steps) {
    this.steps = steps;
    others.forEach(other -> other.resumeAt(steps));
    if (steps > 0 && backend.dtype() == DType.BF16) {
      matrices.forEach(matrix -> update(matrix, step(matrix, 0, 0, 0)));
    }
  }

  @Override
  public void close() {
    others.forEach(AdamW::close);
    buffer.close();
  }
}
