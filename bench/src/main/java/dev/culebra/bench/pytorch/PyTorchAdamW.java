package dev.culebra.bench.pytorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import dev.culebra.optim.AdamW;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * AdamW on PyTorch's engine with DJL's native update, the fastest one there. Matrices decay, the
 * rest does not, and gradients are clipped by their global norm. The moments are created here,
 * outside the scope of a pass, which would close them.
 */
public final class PyTorchAdamW {
  private record State(NDArray value, NDArray firstMoment, NDArray secondMoment, float decay) {}

  private final AdamW.Config config;
  private final Map<String, State> states = new LinkedHashMap<>();
  private int steps;

  /** Moments of 0 for the parameters of {@code model}. */
  public PyTorchAdamW(PyTorchGpt model, AdamW.Config config) {
    this.config = config;
    model
        .values()
        .forEach(
            (name, value) -> {
              float decay = value.getShape().dimension() > 1 ? config.weightDecay() : 0;
              states.put(name, new State(value, value.zerosLike(), value.zerosLike(), decay));
            });
  }

  /** One step; {@code gradients} are only read. */
  public void step(Map<String, NDArray> gradients, float learningRate) {
    steps++;
    float scale = clipping(gradients);
    double root2 = Math.sqrt(1 - Math.pow(config.beta2(), steps));
    double root1 = 1 - Math.pow(config.beta1(), steps);
    // The native update divides by √v + ε, while the paper divides by √(v / (1 − β₂ᵗ)) + ε: the
    // corrections are applied to the rate and to ε.
    float corrected = (float) (learningRate * root2 / root1);
    float epsilon = (float) (config.epsilon() * root2);
    states.forEach(
        (name, state) ->
            state
                .value()
                .getNDArrayInternal()
                .adamUpdate(
                    new NDList(
                        state.value(),
                        gradients.get(name),
                        state.firstMoment(),
                        state.secondMoment()),
                    new NDList(state.value()),
                    learningRate,
                    corrected,
                    state.decay(),
                    scale,
                    -1,
                    config.beta1(),
                    config.beta2(),
                    epsilon,
                    false,
                    true));
  }

  private float clipping(Map<String, NDArray> gradients) {
    if (config.maxNorm() == 0) {
      return 1;
    }
    double squares = 0;
    for (NDArray gradient : gradients.values()) {
      double norm = gradient.norm().getFloat();
      squares += norm * norm;
    }
    return (float) Math.min(1, config.maxNorm() / Math.sqrt(squares));
  }
}
