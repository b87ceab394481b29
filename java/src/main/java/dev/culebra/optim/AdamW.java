package dev.culebra.optim;

import dev.culebra.backend.AdamWStep;
import dev.culebra.backend.Backend;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * AdamW (Loshchilov and Hutter, 2019) over all parameters of a model in one pass, with clipping by
 * the global norm built in. Matrices and tables decay; biases and layernorms do not.
 */
public final class AdamW implements Optimizer {
  /**
   * Hyperparameters that are fixed for a run.
   *
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param epsilon added to the root of the second moment
   * @param weightDecay decoupled weight decay of matrices
   * @param maxNorm gradients are scaled down to this global norm; 0 for no clipping
   */
  public record Config(float beta1, float beta2, float epsilon, float weightDecay, float maxNorm) {
    /** The usual values for GPT-2, as in nanoGPT. */
    public static final Config DEFAULT = new Config(0.9f, 0.95f, 1e-8f, 0.1f, 1);
  }

  /** Prefix of the states' names. */
  static final String STATE = "adamw.";

  private static final String FIRST_MOMENT = STATE + "m.";
  private static final String SECOND_MOMENT = STATE + "v.";

  private final Parameters parameters;
  private final Backend backend;
  private final Config config;
  private final long seed;
  private final long from;
  private final Shape flat;
  private final Buffer buffer;
  private final Tensor firstMoment;
  private final Tensor secondMoment;
  private final Tensor gradientNorm;
  private int steps;

  /** Moments of 0 for {@code parameters}; seed 0. */
  public AdamW(Parameters parameters, Config config) {
    this(parameters, config, 0);
  }

  /**
   * Moments of 0 for {@code parameters}.
   *
   * @param seed of the stochastic rounding on a BF16 backend
   */
  public AdamW(Parameters parameters, Config config, long seed) {
    this(parameters, config, seed, 0, parameters.values().elements());
  }

  /** For some of the parameters: elements {@code from} to {@code to} of the flat buffers. */
  AdamW(Parameters parameters, Config config, long seed, long from, long to) {
    this.parameters = parameters;
    this.backend = parameters.backend();
    this.config = config;
    this.seed = seed;
    this.from = from;
    flat = Shape.of(Math.toIntExact(to - from));
    long bytes = flat.elements() * DType.F32.bytes();
    buffer = backend.allocate(2 * bytes + Float.BYTES);
    firstMoment = new Tensor(buffer, 0, DType.F32, flat);
    secondMoment = new Tensor(buffer, bytes, DType.F32, flat);
    gradientNorm = new Tensor(buffer, 2 * bytes, DType.F32, Shape.of(1));
  }

  @Override
  public void step(float learningRate) {
    backend.ops().norm().compute(gradientNorm, parameters.gradients());
    step(learningRate, gradientNorm);
  }

  /** A step with a precomputed norm of all gradients. */
  void step(float learningRate, Tensor norm) {
    steps++;
    update(
        norm,
        Math.clamp(parameters.decayed() - from, 0, flat.elements()),
        new AdamWStep(
            steps,
            learningRate,
            config.beta1(),
            config.beta2(),
            config.epsilon(),
            config.weightDecay(),
            config.maxNorm(),
            seed));
  }

  private void update(Tensor norm, long decayed, AdamWStep step) {
    boolean copied = backend.dtype() != DType.F32;
    backend
        .ops()
        .adamW()
        .update(
            copied ? parameters.weights().slice(from, flat) : null,
            parameters.values().slice(from, flat),
            parameters.gradients().slice(from, flat),
            firstMoment,
            secondMoment,
            norm,
            decayed,
            step);
  }

  @Override
  public float readGradientNormBlocking() {
    return backend.readFloatBlocking(gradientNorm);
  }

  @Override
  public List<State> states() {
    List<State> states = new ArrayList<>();
    addStates(states, FIRST_MOMENT, firstMoment);
    addStates(states, SECOND_MOMENT, secondMoment);
    return states;
  }

  private void addStates(List<State> states, String prefix, Tensor moment) {
    for (Parameter parameter : parameters.list()) {
      long at = parameters.offset(parameter) - from;
      if (at >= 0 && at < flat.elements()) {
        Tensor tensor = moment.slice(at, parameter.shape());
        states.add(new State(prefix + parameter.name(), parameter, tensor));
      }
    }
  }

  /** Number of steps taken. */
  public int steps() {
    return steps;
  }

  /** Redoes the rounding by a step of rate 0, while gradients and moments are still 0. */
  @Override
  public void resumeAt(int steps) {
    this.steps = steps;
    if (steps > 0 && backend.dtype() == DType.BF16) {
      AdamWStep rounding =
          new AdamWStep(steps, 0, config.beta1(), config.beta2(), config.epsilon(), 0, 0, seed);
      update(null, 0, rounding);
    }
  }

  @Override
  public void close() {
    buffer.close();
  }
}
