package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Backend;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.RandomKey;
import dev.culebra.random.Philox;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** This JVM's kernel, compared with the plain loops. */
class AttentionKernelTest {
  private static final int BLOCK = AttentionKernel.BLOCK;
  private static final float SCALE = 0.3f;

  private final AttentionKernel kernel = CpuKernels.best().attention();
  private final AttentionKernel plain = new ScalarAttentionKernel();
  private final Arena arena = Arena.ofConfined();
  private final Random random = new Random(1);

  @AfterEach
  void free() {
    arena.close();
  }

  /** The diagonal is the number of keys if attention is not causal. */
  @ParameterizedTest
  @CsvSource({"1, 1, 0", "32, 44, 0", "32, 108, 64", "5, 37, 32", "20, 300, 280", "32, 70, 70"})
  void softmaxEqualsThePlainLoops(int queries, int keys, int diagonal) {
    MemorySegment expected = normal(keys * BLOCK, 9);
    MemorySegment actual = copy(expected);
    MemorySegment expectedLse = normal(BLOCK, 1);
    MemorySegment actualLse = copy(expectedLse);
    plain.softmax(expected.address(), queries, keys, diagonal, SCALE, expectedLse.address());
    kernel.softmax(actual.address(), queries, keys, diagonal, SCALE, actualLse.address());
    assertSameBlock(actual, expected, queries, keys, 1e-6f);
    assertClose(actualLse, expectedLse, BLOCK, 2e-6f);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 0", "32, 44, 0", "32, 108, 64", "5, 37, 32", "20, 300, 280", "32, 70, 70"})
  void gradientsEqualThePlainLoops(int queries, int keys, int diagonal) {
    MemorySegment expected = normal(keys * BLOCK, 3);
    MemorySegment actual = copy(expected);
    MemorySegment expectedD = normal(keys * BLOCK, 1);
    MemorySegment actualD = copy(expectedD);
    long lse = normal(BLOCK, 1).address();
    long delta = normal(BLOCK, 1).address();
    plain.gradients(
        expected.address(), expectedD.address(), queries, keys, diagonal, SCALE, lse, delta);
    kernel.gradients(
        actual.address(), actualD.address(), queries, keys, diagonal, SCALE, lse, delta);
    assertSameBlock(actual, expected, queries, keys, 2e-5f);
    assertSameBlock(actualD, expectedD, queries, keys, 2e-5f);
  }

  /** Keys that a query does not see must not affect it, even if they are NaN. */
  @Test
  void hiddenScoresHaveNoEffect() {
    int keys = 60;
    MemorySegment scores = normal(keys * BLOCK, 1);
    MemorySegment dScores = normal(keys * BLOCK, 1);
    for (int key = 0; key < keys; key++) {
      for (int i = 0; i < key; i++) {
        scores.setAtIndex(JAVA_FLOAT, (long) key * BLOCK + i, Float.NaN);
        dScores.setAtIndex(JAVA_FLOAT, (long) key * BLOCK + i, Float.POSITIVE_INFINITY);
      }
    }
    MemorySegment zeros = arena.allocate(JAVA_FLOAT, BLOCK);
    kernel.gradients(
        scores.address(), dScores.address(), 32, keys, 0, SCALE, zeros.address(), zeros.address());
    for (int key = 0; key < keys; key++) {
      for (int i = 0; i < 32; i++) {
        float p = scores.getAtIndex(JAVA_FLOAT, (long) key * BLOCK + i);
        float dScore = dScores.getAtIndex(JAVA_FLOAT, (long) key * BLOCK + i);
        assertThat(p == 0).as("key %d query %d", key, i).isEqualTo(key > i);
        assertThat(dScore == 0).as("key %d query %d", key, i).isEqualTo(key > i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "3", "15", "16", "17", "64", "131"})
  void rowsEqualThePlainLoops(int length) {
    MemorySegment x = normal(length, 4);
    MemorySegment y = normal(length, 1);
    float bound = 1e-6f * (length + 4) * 8;
    assertThat(kernel.dot(x.address(), y.address(), length))
        .isCloseTo(plain.dot(x.address(), y.address(), length), within(bound));

    MemorySegment expected = copy(x);
    MemorySegment actual = copy(x);
    MemorySegment rows = normal(9 * (length + 2), 1);
    MemorySegment weights = normal(9, 1);
    long stride = 4L * (length + 2);
    plain.weightedSum(expected.address(), weights.address(), rows.address(), stride, 9, length);
    kernel.weightedSum(actual.address(), weights.address(), rows.address(), stride, 9, length);
    assertClose(actual, expected, length, 1e-5f);
  }

  /**
   * Steps that are not multiples of 4 shift the words from query to query; the last step is very
   * large.
   */
  @ParameterizedTest
  @CsvSource({
    "32, 44, 0, 0, 64",
    "32, 37, 37, 111, 37",
    "5, 37, 32, 1184, 37",
    "17, 70, 70, 142, 71",
    "32, 30, 30, 34359738366, 1025"
  })
  void dropsTheElementsGivenByTheCounter(
      int queries, int keys, int diagonal, long first, int step) {
    try (Backend backend = new CpuBackend(1);
        Buffer memory = backend.allocate(16)) {
      Tensor state = new Tensor(memory, 0, DType.I32, Shape.of(4));
      int[] words = {11, 22, 33, 44};
      for (int i = 0; i < 4; i++) {
        state.segment().setAtIndex(JAVA_INT, i, words[i]);
      }
      DropoutSpec dropout = new DropoutSpec(0.3f, new RandomKey(state, 7));
      for (AttentionKernel each : new AttentionKernel[] {plain, kernel}) {
        MemorySegment factors = normal((keys + AttentionDropout.EXTRA_ROWS) * BLOCK, 1);
        each.newDropout().factors(factors.address(), queries, keys, diagonal, dropout, first, step);
        int[] out = new int[4];
        for (int i = 0; i < queries; i++) {
          for (int key = 0; key < Math.min(keys, diagonal + i + 1); key++) {
            long element = first + (long) i * step + key;
            Philox.words(out, (int) (element >>> 2), 7, 33, 44, 11, 22);
            float u = Philox.uniform(out[(int) (element & 3)]);
            assertThat(factors.getAtIndex(JAVA_FLOAT, (long) key * BLOCK + i))
                .as("key %d query %d of %s", key, i, each)
                .isEqualTo(u < 0.3f ? 0 : dropout.scale());
          }
          for (int key = Math.min(keys, diagonal + i + 1); key < keys; key++) {
            assertThat(factors.getAtIndex(JAVA_FLOAT, (long) key * BLOCK + i)).isFinite();
          }
        }
      }
    }
  }

  @Test
  void dotsKeepTheirBitsWhileTheCompilersTakeOver() {
    MemorySegment x = normal(50 * 67, 1);
    assertBitsStay(row -> kernel.dot(x.address() + 4L * row * 67, x.address(), 67));
  }

  /** Enough calls for the kernel to be interpreted at first and compiled by C2 at the end. */
  private static void assertBitsStay(ToDoubleFunction<Integer> ofRow) {
    double[] first = new double[50];
    for (int call = 0; call < 30_000; call++) {
      int row = call % first.length;
      double value = ofRow.applyAsDouble(row);
      if (call < first.length) {
        first[row] = value;
      }
      assertThat(value).as("call %d", call).isEqualTo(first[row]);
    }
  }

  private MemorySegment normal(int length, float scale) {
    MemorySegment segment = arena.allocate(JAVA_FLOAT, length);
    for (int i = 0; i < length; i++) {
      segment.setAtIndex(JAVA_FLOAT, i, scale * (float) random.nextGaussian());
    }
    return segment;
  }

  private MemorySegment copy(MemorySegment segment) {
    return arena.allocate(segment.byteSize(), 64).copyFrom(segment);
  }

  private static void assertSameBlock(
      MemorySegment actual, MemorySegment expected, int queries, int keys, float relative) {
    for (int key = 0; key < keys; key++) {
      long from = 4L * key * BLOCK;
      assertClose(actual.asSlice(from), expected.asSlice(from), queries, relative);
    }
  }

  private static void assertClose(
      MemorySegment actual, MemorySegment expected, int length, float relative) {
    for (int i = 0; i < length; i++) {
      float value = expected.getAtIndex(JAVA_FLOAT, i);
      assertThat(actual.getAtIndex(JAVA_FLOAT, i))
          .as("number %d", i)
          .isCloseTo(value, within(relative * Math.abs(value) + Float.MIN_NORMAL));
    }
  }
}
