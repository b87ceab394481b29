package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.kernels.KernelRun.Build;
import dev.culebra.kernels.KernelRun.Launch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The emulated tensor-core instructions, compared with the layouts in the PTX ISA. */
class PrimitivesTest {
  private static final int LANES = 32;

  @BeforeEach
  void needsTheSimulator() {
    TestDevice.assumeSimulator();
  }

  private static double[] run(String kernel, int flag) {
    Launch launch = new Launch("primitives", kernel, 1, LANES, 0, flag);
    return KernelRun.of(Build.CHECKED, launch).results();
  }

  /** D = A·B + C for A (16, 16), B (16, 8) and C (16, 8), one half of which is printed. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void mmaIsAMatrixProduct(int half) {
    double[] d = run("mma_m16n8k16", half);

    for (int i = 0; i < 8; i++) {
      for (int column = 0; column < 8; column++) {
        int row = half * 8 + i;
        double sum = row * 8 + column;
        for (int k = 0; k < 16; k++) {
          sum += (row * 16 + k) % 7 * ((k * 8 + column) % 5);
        }
        assertThat(d[i * 8 + column]).as("[%d, %d]", row, column).isEqualTo(sum);
      }
    }
  }

  /** ISA, ldmatrix: lane l has row l / 4, elements 2 (l % 4) and the next, of each matrix. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void ldmatrixGivesEachLaneItsPair(int matrix) {
    double[] pairs = run("ldmatrix_x4", 2 * matrix);
    double[] transposed = run("ldmatrix_x4", 2 * matrix + 1);

    for (int lane = 0; lane < LANES; lane++) {
      for (int half = 0; half < 2; half++) {
        int row = lane / 4;
        int column = lane % 4 * 2 + half;
        assertThat(pairs[2 * lane + half]).isEqualTo(matrix * 64 + row * 8 + column);
        assertThat(transposed[2 * lane + half]).isEqualTo(matrix * 64 + column * 8 + row);
      }
    }
  }
}
