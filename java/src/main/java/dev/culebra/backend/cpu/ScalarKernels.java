package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.Activation;
import java.lang.foreign.MemorySegment;

/** {@link Kernels} as plain loops. */
final class ScalarKernels implements Kernels {
  private static final float GELU_SCALE = (float) Math.sqrt(2 / Math.PI);

  @Override
  public void activationForward(
      MemorySegment out,
      long outOffset,
      MemorySegment in,
      long inOffset,
      int length,
      Activation activation) {
    for (int i = 0; i < length; i++) {
      float x = in.get(JAVA_FLOAT, inOffset + 4L * i);
      float y =
          switch (activation) {
            case IDENTITY -> x;
            case RELU -> Math.max(x, 0);
            case GELU_TANH ->
                x / 2 * (1 + (float) Math.tanh(GELU_SCALE * (x + 0.044715f * x * x * x)));
            case GELU_ERF -> throw new UnsupportedOperationException();
          };
      out.set(JAVA_FLOAT, outOffset + 4L * i, y);
    }
  }
}
