package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AttentionKernelTest {
  private static final int LENGTH = 67;
  private static final int ROWS = 50;

  /** Enough calls that the kernel is first interpreted and in the end compiled by C2. */
  private static final int CALLS = 30_000;

  @Test
  void sumsKeepTheirBitsWhileTheCompilersTakeOver() {
    AttentionKernel kernel = AttentionKernel.best();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = arena.allocate(JAVA_FLOAT, (long) ROWS * LENGTH);
      Random random = new Random(1);
      for (long i = 0; i < (long) ROWS * LENGTH; i++) {
        x.setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
      }
      float[] first = new float[ROWS];
      for (int call = 0; call < CALLS; call++) {
        int row = call % ROWS;
        float dot = kernel.dot(x.address() + 4L * row * LENGTH, x.address(), LENGTH);
        if (call < ROWS) {
          first[row] = dot;
        }
        assertThat(dot).as("call %d", call).isEqualTo(first[row]);
      }
    }
  }
}
