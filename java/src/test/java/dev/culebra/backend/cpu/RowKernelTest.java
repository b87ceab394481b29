package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.fail;

import dev.culebra.backend.Activation;
import dev.culebra.backend.RandomKey;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The two implementations of {@link RowKernel} on the same numbers, over awkward lengths. */
class RowKernelTest {
  private static final int[] LENGTHS = {
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 127, 257, 1000
  };

  private static final int ROOM = 1024;
  private static final int ARRAYS = 8;

  private final HostBuffer buffer = new HostBuffer(4L * ROOM * ARRAYS, closed -> {});
  private final Tensor all = new Tensor(buffer, 0, DType.F32, Shape.of(ROOM * ARRAYS));

  @AfterEach
  void close() {
    buffer.close();
    scratchMemory.close();
  }

  private final ScratchMemory scratchMemory = new ScratchMemory();
  private final long scratch = scratchMemory.floats(RowKernel.SCRATCH);

  private long array(int index) {
    return buffer.address() + 4L * ROOM * index;
  }

  /** All memory after {@code run} on the same random numbers. */
  private float[] after(RowKernel kernels, int length, BiConsumer<RowKernel, Integer> run) {
    RandomStream random = new RandomStream(3, 1, length);
    for (int i = 0; i < ROOM * ARRAYS; i++) {
      all.setFloat(i, random.nextNormal());
    }
    run.accept(kernels, length);
    float[] values = new float[ROOM * ARRAYS];
    for (int i = 0; i < values.length; i++) {
      values[i] = all.getFloat(i);
    }
    return values;
  }

  private void assertAgree(float tolerance, BiConsumer<RowKernel, Integer> run) {
    for (int length : LENGTHS) {
      float[] expected = after(new ScalarRowKernel(), length, run);
      float[] actual = after(new VectorRowKernel(), length, run);
      for (int i = 0; i < expected.length; i++) {
        boolean equal = Float.compare(actual[i], expected[i]) == 0;
        if (!equal && !(Math.abs(actual[i] - expected[i]) <= tolerance)) {
          fail("length %d: [%d] is %s, not %s", length, i, actual[i], expected[i]);
        }
      }
    }
  }

  @Test
  void fillAddMultiplyDrop() {
    assertAgree(0, (k, n) -> k.fill(array(0), 1.5f, n));
    assertAgree(0, (k, n) -> k.add(array(0), array(1), array(2), n));
    assertAgree(0, (k, n) -> k.multiply(array(0), array(0), 0.3f, n));
    assertAgree(0, (k, n) -> k.drop(array(0), array(1), array(2), 0.4f, 1 / 0.6f, n));
  }

  @ParameterizedTest
  @EnumSource
  void activations(Activation activation) {
    assertAgree(1e-6f, (k, n) -> k.activationForward(array(0), array(1), n, activation));
    assertAgree(3e-6f, (k, n) -> k.activationBackward(array(0), array(1), array(2), n, activation));
  }

  @Test
  void exponentialsAndReductions() {
    assertAgree(3e-7f, (k, n) -> k.exp(array(0), array(1), 6, 0.7f, n));
    assertAgree(
        2e-5f,
        (k, n) -> {
          all.setFloat(0, k.exp(array(1), array(2), 6, 1, n));
          all.setFloat(1, k.max(array(3), n));
          all.setFloat(2, (float) Math.sqrt(k.sumOfSquares(array(3), n)));
        });
  }

  @Test
  void uniformsAtAnyElementAreThoseOfPhilox() {
    Tensor state = new Tensor(buffer, 4L * ROOM * 7, DType.I32, Shape.of(4));
    for (long first : new long[] {0, 1, 2, 3, 4, 4_294_967_291L, 17_179_869_180L}) {
      assertAgree(
          0,
          (k, n) -> {
            for (int i = 0; i < 4; i++) {
              state.setInt(i, -7 * i + 5);
            }
            Draws draws = new Draws();
            draws.set(new RandomKey(state, -3));
            k.uniforms(array(0), first, n, draws, new int[4]);
          });
    }
  }

  @Test
  void layerNorm() {
    assertAgree(
        2e-5f, // a short row's rstd is large
        (k, n) -> {
          k.moments(array(6), array(7), array(1), 0.1f, n, scratch);
          k.normalise(array(0), array(1), 0.1f, 1.3f, array(2), array(3), n);
          k.normalise(array(5), array(1), 0.1f, 1.3f, array(2), 0, n);
        });
    for (int addend : new int[] {0, 6}) {
      assertAgree(
          1e-5f,
          (k, n) ->
              k.layerNormBackward(
                  array(0),
                  array(addend),
                  array(1),
                  array(2),
                  array(3),
                  array(4),
                  0.1f,
                  1.3f,
                  array(5),
                  addend == 0,
                  n,
                  scratch));
    }
  }

  @Test
  void productCombineRotate() {
    assertAgree(0, (k, n) -> k.product(array(0), array(1), array(2), n));
    assertAgree(0, (k, n) -> k.combine(array(0), array(1), 0.7f, array(2), -1.3f, n));
    for (int out : new int[] {0, 1}) {
      assertAgree(0, (k, n) -> k.rotate(array(out), array(1), array(2), array(3), -1, n / 2));
    }
  }

  @Test
  void softcap() {
    assertAgree(1e-6f, (k, n) -> k.softcap(array(0), array(1), 2.5f, n));
    assertAgree(1e-6f, (k, n) -> k.softcapBackward(array(0), array(1), array(2), 2.5f, n));
  }

  @Test
  void adamW() {
    assertAgree(
        1e-6f,
        (k, n) -> {
          k.multiply(array(3), array(3), 0, n);
          k.adamW(
              array(0), array(1), array(2), array(3), n, 0.5f, 0.9f, 0.99f, 0.999f, 1e-3f, 1.2f,
              0.1f);
        });
  }
}
