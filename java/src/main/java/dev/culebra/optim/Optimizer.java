package dev.culebra.optim;

import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.Tensor;
import java.util.List;
import java.util.Locale;

/** From gradients to better parameters, step by step. One thread at a time. */
public sealed interface Optimizer extends AutoCloseable permits AdamW, Muon {
  /** Which one. */
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
   * @param name of the tensor in the checkpoint: {@code adamw.m.wte.weight}
   * @param parameter whose shape it has
   * @param tensor F32
   */
  record State(String name, Parameter parameter, Tensor tensor) {}

  /** Whether a tensor of a checkpoint is an optimizer's, by its name. */
  static boolean isState(String name) {
    return name.startsWith(AdamW.STATE) || name.startsWith(Muon.STATE);
  }

  /** A new one for {@code parameters}, nothing behind it. */
  static Optimizer of(Kind kind, Parameters parameters, AdamW.Config config, long seed) {
    return switch (kind) {
      case ADAMW -> new AdamW(parameters, config, seed);
      case MUON -> new Muon(parameters, config, seed);
    };
  }

  /** One step with the gradients as they are. */
  void step(float learningRate);

  /** The global norm of the gradients before clipping, of the last step; waits for the device. */
  float readGradientNormBlocking();

  /** How many steps were taken. */
  int steps();

  /**
   * Continues after {@code steps} steps, the values having been restored and the {@link #states}
   * not yet: a BF16 copy of the values is rounded by chance as the last step did it.
   */
  void resumeAt(int steps);

  /** All that it remembers but for the number of steps. */
  List<State> states();

  @Override
  void close();
}
