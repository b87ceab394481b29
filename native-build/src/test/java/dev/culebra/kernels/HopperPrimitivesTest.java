package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.kernels.KernelRun.Build;
import dev.culebra.kernels.KernelRun.Launch;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The emulated Hopper instructions, compared with plain loops and the PTX ISA's layouts. */
class HopperPrimitivesTest {
  private static final int ROWS = 64;
  private static final int K = 64;

  @BeforeEach
  void needsTheSimulator() {
    TestDevice.assumeSimulator();
  }

  private static double[] run(Build build, String kernel, int blocks, int threads, int flag) {
    Launch launch = new Launch("hopper_primitives", kernel, blocks, threads, 32 << 10, flag);
    return KernelRun.of(build, launch).results();
  }

  static Stream<Arguments> layouts() {
    return Stream.of(64, 128)
        .flatMap(
            n ->
                Stream.of(false, true)
                    .flatMap(
                        rowsAreK ->
                            Stream.of(false, true)
                                .flatMap(
                                    registers ->
                                        Stream.of(false, true)
                                            .map(
                                                add ->
                                                    Arguments.of(n, rowsAreK, registers, add)))));
  }

  /**
   * D (64, n) = A·B, + 1: sums over the rows r of D, each times r + 1, so that misplaced elements
   * show.
   */
  @ParameterizedTest(name = "n {0}, B MN-major {1}, A in registers {2}, added to {3}")
  @MethodSource("layouts")
  void wgmmaIsAMatrixProduct(int n, boolean rowsAreK, boolean registers, boolean add) {
    for (int columns = 0; columns < n; columns += 64) {
      int flag = (rowsAreK ? 1 : 0) + (registers ? 2 : 0) + (add ? 4 : 0) + (columns > 0 ? 8 : 0);
      double[] sums = run(Build.CHECKED, "wgmma_n" + n, 1, 128, flag);
      for (int c = 0; c < sums.length; c++) {
        double expected = 0;
        for (int m = 0; m < ROWS; m++) {
          int d = add ? 1 : 0;
          for (int k = 0; k < K; k++) {
            d += (m * 5 + k * 3) % 256 % 7 * ((k * 7 + (columns + c) * 11) % 256 % 5 - 2);
          }
          expected += (m + 1) * d;
        }
        assertThat(sums[c]).as("column %d", columns + c).isEqualTo(expected);
      }
    }
  }

  /** ISA, stmatrix: lane l provides row l / 4, elements 2 (l % 4) and the next, of each matrix. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void stmatrixStoresEachPairInItsPlace(int matrix) {
    double[] rows = run(Build.CHECKED, "stmatrix_x4", 1, 32, 2 * matrix);
    double[] transposed = run(Build.CHECKED, "stmatrix_x4", 1, 32, 2 * matrix + 1);

    for (int row = 0; row < 8; row++) {
      for (int column = 0; column < 8; column++) {
        int number = matrix * 64 + row * 8 + column;
        assertThat(rows[row * 8 + column]).isEqualTo(number);
        assertThat(transposed[column * 8 + row]).isEqualTo(number);
      }
    }
  }

  /** Blocks that take items from a counter all get some, and wait for the item before their own. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PROFILE")
  void blocksTakeTurns(Build build) {
    double[] sums = run(build, "turns", 4, 128, 0);
    double[] blocks = run(build, "turns", 4, 128, 1);

    for (int i = 0; i < sums.length; i++) {
      assertThat(sums[i]).isEqualTo(i * (i + 1) / 2);
    }
    assertThat(blocks).contains(1, 2, 3, 4);
  }
}
