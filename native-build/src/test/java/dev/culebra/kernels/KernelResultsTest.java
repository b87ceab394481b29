package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Kernels that work together, in the simulator, compared with plain loops in double precision. */
class KernelResultsTest {
  private static final int IGNORE = -1;

  private TestDevice device;

  @BeforeEach
  void open() {
    TestDevice.assumeSimulator();
    device = new TestDevice();
  }

  @AfterEach
  void close() {
    if (device != null) {
      device.close();
    }
  }

  private void launch(String module, String entry, int[] grid, int[] block, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment addresses = arena.allocate(ValueLayout.ADDRESS, arguments.length);
      for (int i = 0; i < arguments.length; i++) {
        MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG);
        switch (arguments[i]) {
          case Integer number -> value.set(ValueLayout.JAVA_INT, 0, number);
          case Float number -> value.set(ValueLayout.JAVA_FLOAT, 0, number);
          case Long number -> value.set(ValueLayout.JAVA_LONG, 0, number);
          default -> throw new IllegalArgumentException(arguments[i].getClass().getName());
        }
        addresses.setAtIndex(ValueLayout.ADDRESS, i, value);
      }
      MemorySegment none = MemorySegment.NULL;
      device.check(
          "cuLaunchKernel",
          device.kernel(module, entry),
          grid[0],
          grid[1],
          1,
          block[0],
          block[1],
          1,
          0,
          none,
          addresses,
          none);
      device.check("cuCtxSynchronize");
    }
  }

  private static int[] size(int x, int y) {
    return new int[] {x, y};
  }

  private static float[] random(int seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextFloat() * 4 - 2;
    }
    return values;
  }

  private long uploadInts(int... values) {
    float[] bits = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.intBitsToFloat(values[i]);
    }
    return device.upload(bits);
  }

  /** Columns from the vocabulary on are padding; one row is ignored. */
  @Test
  void crossEntropy() {
    int rows = 7;
    int columns = 24;
    int vocab = 19;
    int[] targets = {3, 0, 18, IGNORE, 5, 5, 11};
    float scale = 0.5f;
    float[] in = random(1, rows * columns);
    long logits = device.upload(in);
    long target = uploadInts(targets);
    long counted = device.allocate(1);
    long losses = device.allocate(rows);
    long mean = device.upload(0.25f);
    launch(
        "cross_entropy",
        "cross_entropy_count_i32",
        size(1, 1),
        size(1024, 1),
        counted,
        target,
        rows);
    launch(
        "cross_entropy",
        "cross_entropy_forward_backward_f32",
        size(2, 1),
        size(32, 4),
        losses,
        logits,
        target,
        counted,
        scale,
        rows,
        columns,
        vocab);
    launch(
        "cross_entropy",
        "cross_entropy_mean_f32",
        size(1, 1),
        size(1024, 1),
        mean,
        losses,
        counted,
        scale,
        rows);

    float[] gradient = device.download(logits, rows * columns);
    float[] loss = device.download(losses, rows);
    double total = 0;
    for (int row = 0; row < rows; row++) {
      double sum = 0;
      for (int j = 0; j < vocab; j++) {
        sum += Math.exp(in[row * columns + j]);
      }
      boolean counts = targets[row] != IGNORE;
      double expectedLoss = counts ? Math.log(sum) - in[row * columns + targets[row]] : 0;
      total += expectedLoss;
      assertThat((double) loss[row]).isCloseTo(expectedLoss, within(1e-5));
      for (int j = 0; j < columns; j++) {
        double p = j < vocab ? Math.exp(in[row * columns + j]) / sum : 0;
        double expected = counts && j < vocab ? (p - (j == targets[row] ? 1 : 0)) * scale / 6 : 0;
        assertThat((double) gradient[row * columns + j]).isCloseTo(expected, within(1e-6));
      }
    }
    assertThat((double) device.download(mean, 1)[0])
        .isCloseTo(0.25 + scale * total / 6, within(1e-5));
  }

  @Test
  void layerNormBackward() {
    int rows = 37;
    int columns = 20;
    float[] in = random(2, rows * columns);
    float[] dOut = random(3, rows * columns);
    float[] weight = random(4, columns);
    float[] mean = new float[rows];
    float[] rstd = new float[rows];
    double[] expectedWeight = new double[columns];
    double[] expectedBias = new double[columns];
    double[] expectedIn = new double[rows * columns];
    for (int row = 0; row < rows; row++) {
      int at = row * columns;
      double sum = 0;
      double squares = 0;
      for (int c = 0; c < columns; c++) {
        sum += in[at + c];
      }
      double average = sum / columns;
      for (int c = 0; c < columns; c++) {
        squares += (in[at + c] - average) * (in[at + c] - average);
      }
      double scale = 1 / Math.sqrt(squares / columns + 1e-5);
      mean[row] = (float) average;
      rstd[row] = (float) scale;
      double meanOfD = 0;
      double meanOfProduct = 0;
      for (int c = 0; c < columns; c++) {
        double normal = (in[at + c] - average) * scale;
        double d = dOut[at + c] * weight[c];
        meanOfD += d / columns;
        meanOfProduct += d * normal / columns;
        expectedWeight[c] += dOut[at + c] * normal;
        expectedBias[c] += dOut[at + c];
      }
      for (int c = 0; c < columns; c++) {
        double normal = (in[at + c] - average) * scale;
        expectedIn[at + c] = (dOut[at + c] * weight[c] - meanOfD - normal * meanOfProduct) * scale;
      }
    }
    int blocks = 3;
    long dIn = device.allocate(rows * columns);
    long partials = device.allocate(blocks * 2 * columns);
    long dWeight = device.upload(new float[columns]);
    long dBias = device.upload(new float[columns]);
    launch(
        "layernorm",
        "layernorm_backward_f32",
        size(blocks, 1),
        size(32, 6),
        dIn,
        partials,
        device.upload(dOut),
        device.upload(in),
        device.upload(mean),
        device.upload(rstd),
        device.upload(weight),
        rows,
        columns);
    launch(
        "layernorm",
        "layernorm_reduce_f32",
        size(1, 2),
        size(32, 16),
        dWeight,
        dBias,
        0L,
        partials,
        blocks,
        2,
        columns);

    assertClose(device.download(dIn, rows * columns), expectedIn, 1e-4);
    assertClose(device.download(dWeight, columns), expectedWeight, 1e-4);
    assertClose(device.download(dBias, columns), expectedBias, 1e-4);
  }

  /** The norm stays on the device, where AdamW reads it for clipping. */
  @Test
  void normAndAdamW() {
    int n = 5003;
    int decayed = 3000;
    float[] values = random(5, n);
    float[] gradients = random(6, n);
    double squares = 0;
    for (float gradient : gradients) {
      squares += (double) gradient * gradient;
    }
    double norm = Math.sqrt(squares);
    int parts = 3;
    long gradient = device.upload(gradients);
    long partials = device.allocate(2 * parts);
    long total = device.allocate(1);
    launch("norm", "norm_partials_f32", size(parts, 1), size(512, 1), partials, gradient, (long) n);
    launch("norm", "norm_f32", size(1, 1), size(1024, 1), total, partials, parts);
    assertThat((double) device.download(total, 1)[0]).isCloseTo(norm, within(1e-4 * norm));

    float rate = 0.01f;
    float decay = 0.1f;
    long value = device.upload(values);
    long first = device.upload(new float[n]);
    long second = device.upload(new float[n]);
    // The first step: both moments are corrected by 1 − β.
    float beta1 = 0.9f;
    float beta2 = 0.95f;
    launch(
        "adamw",
        "adamw_f32",
        size(5, 1),
        size(256, 1),
        value,
        gradient,
        first,
        second,
        total,
        1f,
        beta1,
        beta2,
        1 - rate * decay,
        rate / (1 - beta1),
        (float) (1 / Math.sqrt(1 - beta2)),
        1e-8f,
        (long) decayed,
        (long) n);

    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      double clipped = gradients[i] / norm;
      double kept = values[i] * (i < decayed ? 1 - rate * decay : 1);
      expected[i] = kept - rate * clipped / (Math.abs(clipped) + 1e-8);
    }
    assertClose(device.download(value, n), expected, 1e-5);
  }

  private static void assertClose(float[] actual, double[] expected, double tolerance) {
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i]).as("[%d]", i).isCloseTo(expected[i], within(tolerance));
    }
  }
}
