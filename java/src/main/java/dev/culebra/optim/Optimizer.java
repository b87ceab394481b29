package dev.culebra.optim;

import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.List;
import java.util.Locale;

/**
 * Improves parameters by their gradients, step by step. One thread at a time.
 *
 * <p>The contract of an implementation:
 *
 * <ul>
 *   <li><b>Data.</b> It reads {@link Parameters#gradients()} and changes {@link
 *       Parameters#values()}, both F32 and flat, with the same layout. On a BF16 backend it also
 *       writes {@link Parameters#weights()}, or calls {@link Parameters#refreshWeights()}. Padding
 *       stays 0. Memory is allocated in the constructor, not in {@link #step}.
 *   <li><b>Determinism.</b> Equal values, gradients, states and number of steps give equal bits.
 *       Random numbers are drawn from (seed, number of steps).
 *   <li><b>Resuming.</b> Its only state is the number of steps and its {@link #states}, which a
 *       checkpoint keeps; {@link #resumeAt} and the restored states restore it to the bit.
 * </ul>
 */
public interface Optimizer extends AutoCloseable {
  /** Prefix of the states' names of a user-defined optimizer. */
  String STATE = "optimizer.";

  /** The built-in optimizers. */
  enum Kind {
    ADAMW,
    MUON;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Optimizer state of a parameter, kept in a checkpoint.
   *
   * @param name of the tensor in the checkpoint, with the prefix {@link #STATE}: {@code
   *     optimizer.sgd.momentum.wte.weight}; {@link AdamW} and {@link Muon} have their own prefixes
   * @param parameter that it belongs to
   * @param tensor F32, of the parameter's shape
   */
  record State(String name, Parameter parameter, Tensor tensor) {
    /**
     * Checks name and shape.
     *
     * @throws IllegalArgumentException if either is wrong
     */
    public State {
      if (!isState(name)) {
        throw new IllegalArgumentException(
            "the name of an optimizer's state must begin with %s: %s".formatted(STATE, name));
      }
      if (tensor.dtype() != DType.F32 || !tensor.shape().equals(parameter.shape())) {
        throw new IllegalArgumentException(
            "%s is %s %s, not F32 %s"
                .formatted(name, tensor.dtype(), tensor.shape(), parameter.shape()));
      }
    }

    /**
     * One state for each parameter, in a flat tensor with the layout of {@link
     * Parameters#values()}.
     *
     * @param prefix prefix of the names, followed by the parameter's name
     */
    public static List<State> ofEach(String prefix, Parameters parameters, Tensor flat) {
      return parameters.list().stream()
          .map(each -> new State(prefix + each.name(), each, parameters.slice(flat, each)))
          .toList();
    }
  }

  /** Whether a tensor in a checkpoint is an optimizer's state, by its name. */
  static boolean isState(String name) {
    return name.startsWith(STATE) || name.startsWith(AdamW.STATE) || name.startsWith(Muon.STATE);
  }

  /** A new built-in optimizer for {@code parameters}. */
  static Optimizer of(Kind kind, Parameters parameters, AdamW.Config config, long seed) {
    return switch (kind) {
      case ADAMW -> new AdamW(parameters, config, seed);
      case MUON -> new Muon(parameters, config, seed);
    };
  }

  /** Takes one step with the current gradients. */
  void step(float learningRate);

  /**
   * The global norm of the last step's gradients before clipping; waits for the device. 0 if the
   * optimizer does not compute it.
   */
  default float readGradientNormBlocking() {
    return 0;
  }

  /**
   * Continues after {@code steps} steps. Called after the values are restored and before the {@link
   * #states} are. An optimizer whose steps depend on their number sets it here. One that rounds a
   * BF16 copy of the values stochastically repeats the rounding of the last step here.
   */
  default void resumeAt(int steps) {}

  /** Its whole state except the number of steps; the names never change. */
  List<State> states();

  /** Frees its memory. Closing twice is harmless. */
  @Override
  void close();
}
