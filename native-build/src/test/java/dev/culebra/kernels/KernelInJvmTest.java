package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Kernels from the jar, launched by the simulated driver in this JVM. */
class KernelInJvmTest {
  @BeforeEach
  void needsTheSimulator() {
    TestDevice.assumeSimulator();
  }

  private static float[] random(int count) {
    Random random = new Random(count);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextFloat() * 4 - 2;
    }
    return values;
  }

  @Test
  void add() {
    int n = 1003;
    float[] a = random(n);
    float[] b = random(n + 1);
    try (TestDevice device = new TestDevice()) {
      long sum = device.allocate(n);
      var kernel = device.kernel("elementwise", "add_f32");
      assertThat(device.launch(kernel, 2, 256, sum, device.upload(a), device.upload(b), (long) n))
          .isZero();

      float[] out = device.download(sum, n);
      for (int i = 0; i < n; i++) {
        assertThat(out[i]).as("[%d]", i).isEqualTo(a[i] + b[i]);
      }
    }
  }

  @Test
  void layernorm() {
    int rows = 5;
    int columns = 36;
    float[] in = random(rows * columns);
    try (TestDevice device = new TestDevice()) {
      long out = device.allocate(rows * columns);
      long mean = device.allocate(rows);
      long rstd = device.allocate(rows);
      var kernel = device.kernel("layernorm", "layernorm_forward_f32");
      long weight = device.upload(ones(columns));
      assertThat(
              device.launch(
                  kernel,
                  2,
                  32,
                  out,
                  mean,
                  rstd,
                  device.upload(in),
                  weight,
                  0L,
                  1e-5f,
                  rows,
                  columns))
          .isZero();

      float[] normalized = device.download(out, rows * columns);
      float[] means = device.download(mean, rows);
      for (int row = 0; row < rows; row++) {
        double sum = 0;
        double squares = 0;
        for (int i = row * columns; i < (row + 1) * columns; i++) {
          sum += in[i];
          squares += (double) in[i] * in[i];
        }
        double average = sum / columns;
        double deviation = Math.sqrt(squares / columns - average * average + 1e-5);
        assertThat(means[row]).isCloseTo((float) average, within(1e-6f));
        for (int i = row * columns; i < (row + 1) * columns; i++) {
          assertThat((double) normalized[i]).isCloseTo((in[i] - average) / deviation, within(1e-5));
        }
      }
    }
  }

  private static float[] ones(int count) {
    float[] values = new float[count];
    java.util.Arrays.fill(values, 1);
    return values;
  }
}
