package dev.culebra.optim;

import dev.culebra.backend.AdamWStep;
import dev.culebra.backend.Backend;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * AdamW over all parameters of a model in one pass, with clipping by the global norm folded in:
 * Loshchilov and Hutter (2019); matrices decay, biases and layernorms do not. One thread at a time.
 */
public final class AdamW implements AutoCloseable {
  /**
   * What stays the same over a run.
   *
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param epsilon added to the root of the second moment
   * @param weightDecay decoupled decay of matrices
   * @param maxNorm gradients are scaled down to this global norm; 0 for no clipping
   */
  public record Config(float beta1, float beta2, float epsilon, float weightDecay, float maxNorm) {
    /** GPT-2 training's usual values, as in nanoGPT. */
    public static final Config DEFAULT = new Config(0.9f, 0.95f, 1e-8f, 0.1f, 1);
  }

  private final Parameters parameters;
  private final Backend backend;
  private final Config config;
  private final long seed;
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
   * @param seed of the stochastic rounding where the backend computes in BF16
   */
  public AdamW(Parameters parameters, Config config, long seed) {
    this.parameters = parameters;
    this.backend = parameters.backend();
    this.config = config;
    this.seed = seed;
    Shape flat = parameters.values().shape();
    long bytes = parameters.values().bytes();
    buffer = backend.allocate(2 * bytes + Float.BYTES);
    firstMoment = new Tensor(buffer, 0, DType.F32, flat);
    secondMoment = new Tensor(buffer, bytes, DType.F32, flat);
    gradientNorm = new Tensor(buffer, 2 * bytes, DType.F32, Shape.of(1));
  }

  /** One step with the gradients as they are. */
  public void step(float learningRate) {
    steps++;
    backend.ops().norm(gradientNorm, parameters.gradients());
    backend
        .ops()
        .adamW(
            backend.dtype() == DType.F32 ? null : parameters.weights(),
            parameters.values(),
            parameters.gradients(),
            firstMoment,
            secondMoment,
            gradientNorm,
            parameters.decayed(),
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

  /** The global norm of the gradients before clipping, of the last step; waits for the device. */
  public float readGradientNormBlocking() {
    return backend.readFloatBlocking(gradientNorm);
  }

  /** Running mean of the gradients, laid out as {@link Parameters#values()}. */
  public Tensor firstMoment() {
    return firstMoment;
  }

  /** Running mean of their squares. */
  public Tensor secondMoment() {
    return secondMoment;
  }

  /** How many steps were taken. */
  public int steps() {
    return steps;
  }

  /**
   * Continues after {@code steps} steps, the values having been restored and the moments not yet: a
   * BF16 copy of the values is rounded by chance as the last step did it. That is a step of rate 0
   * with the zeros that gradients and moments begin with.
   */
  public void resumeAt(int steps) {
    this.steps = steps;
    if (steps > 0 && backend.dtype() == DType.BF16) {
      AdamWStep rounding =
          new AdamWStep(steps, 0, config.beta1(), config.beta2(), config.epsilon(), 0, 0, seed);
      backend
          .ops()
          .adamW(
              parameters.weights(),
              parameters.values(),
              parameters.gradients(),
              firstMoment,
              secondMoment,
              null,
              0,
              rounding);
    }
  }

  @Override
  public void close() {
    buffer.close();
  }
}
