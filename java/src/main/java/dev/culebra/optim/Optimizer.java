package dev.culebra.optim;

import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.List;
import java.util.Locale;

/**
 * From gradients to better parameters, step by step. One thread at a time.
 *
 * <p>The contract of an implementation:
 *
 * <ul>
 *   <li><b>Data.</b> It reads {@link Parameters#gradients()} and changes {@link
 *       Parameters#values()}, both F32 and flat, in one layout; where the backend computes in BF16
 *       it also writes {@link Parameters#weights()}, or calls {@link Parameters#refreshWeights()}.
 *       Padding stays 0. Memory is taken in the constructor, not in {@link #step}.
 *   <li><b>Determinism.</b> Equal values, gradients, states and number of steps give equal bits.
 *       Whatever is random is drawn from (seed, number of steps).
 *   <li><b>Resuming.</b> All that it remembers is the number of steps and its {@link #states},
 *       which a checkpoint keeps; {@link #resumeAt} and the restored states make it what it was, to
 *       the bit.
 * </ul>
 */
public interface Optimizer extends AutoCloseable {
  /** What the name of a state of a program's own optimizer begins with. */
  String STATE = "optimizer.";

  /** Those that a run can name. */
  enum Kind {
    ADAMW,
    MUON;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What a checkpoint keeps of the past of a parameter.
   *
   * @param name of the tensor in the checkpoint, which begins with {@link #STATE}: {@code
   *     optimizer.sgd.momentum.wte.weight}; those of {@link AdamW} and {@link Muon} begin with
   *     theirs
   * @param parameter whose shape it has
   * @param tensor F32, of the parameter's shape
   */
  record State(String name, Parameter parameter, Tensor tensor) {
    /**
     * Checks name and shape.
     *
     * @throws IllegalArgumentException if one is another
     */
    public State {
      if (!isState(name)) {
        throw new IllegalArgumentException(
            "the name of an optimizer's state begins with %s: %s".formatted(STATE, name));
      }
      if (tensor.dtype() != DType.F32 || !tensor.shape().equals(parameter.shape())) {
        throw new IllegalArgumentException(
            "%s is %s %s, not F32 %s"
                .formatted(name, tensor.dtype(), tensor.shape(), parameter.shape()));
      }
    }

    /**
     * A state of every parameter, in a flat tensor of the layout of {@link Parameters#values()}.
     *
     * @param prefix what the names begin with, the parameter's name behind it
     */
    public static List<State> ofEach(String prefix, Parameters parameters, Tensor flat) {
      return parameters.list().stream()
          .map(each -> new State(prefix + each.name(), each, parameters.slice(flat, each)))
          .toList();
    }
  }

  /** Whether a tensor of a checkpoint is an optimizer's, by its name. */
  static boolean isState(String name) {
    return name.startsWith(STATE) || name.startsWith(AdamW.STATE) || name.startsWith(Muon.STATE);
  }

  /** One of Culebra's for {@code parameters}, without steps behind it. */
  static Optimizer of(Kind kind, Parameters parameters, AdamW.Config config, long seed) {
    return switch (kind) {
      case ADAMW -> new AdamW(parameters, config, seed);
      case MUON -> new Muon(parameters, config, seed);
    };
  }

  /** One step with the gradients as they are. */
  void step(float learningRate);

  /**
   * The global norm of the gradients before clipping, of the last step; waits for the device. 0
   * where an optimizer does not compute it.
   */
  default float readGradientNormBlocking() {
    return 0;
  }

  /**
   * Continues after {@code steps} steps, the values having been restored and the {@link #states}
   * not yet. An optimizer whose steps depend on their number takes it from here; so does one that
   * rounds a BF16 copy of the values by chance, which it does again as the last step did it.
   */
  default void resumeAt(int steps) {}

  /** All that it remembers but for the number of steps; the same names each time. */
  List<State> states();

  /** Frees its memory. Closing twice is harmless. */
  @Override
  void close();
}
