package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GemmTest {
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "13, 33, 17",
    "64, 64, 32",
    "768, 384, 128",
    "2048, 1152, 384",
    "256, 50304, 768",
    "50304, 768, 256",
    "256, 768, 50304",
    "5, 3001, 700",
    "3001, 5, 700"
  })
  void chunksAndPartsAreWholeTilesThatFitTheirCaches(int m, int n, int k) {
    for (int columns : new int[] {8, 16, 32}) {
      GemmSplit split = new GemmSplit();
      split.set(m, n, k, columns);
      assertThat(split.depth()).isBetween(1, GemmSplit.MAX_DEPTH);
      assertThat(split.chunkRows()).isPositive();
      assertThat(split.chunkRows() % GemmKernel.ROWS).isZero();
      assertThat(split.chunkColumns() % columns).isZero();
      assertThat(split.partColumns() % columns).isZero();
      assertThat(split.partColumns()).isBetween(columns, split.chunkColumns());
      assertThat(split.chunkRows() * split.depth()).isLessThanOrEqualTo(GemmSplit.MAX_PACKED);
      assertThat(split.chunkColumns() * split.depth()).isLessThanOrEqualTo(GemmSplit.MAX_PACKED);
      assertThat(split.partColumns() * split.depth()).isLessThanOrEqualTo(GemmSplit.MAX_PART);
    }
  }

  @Test
  void onlySmallProductsRunOnOneThread() {
    GemmSplit split = new GemmSplit();
    split.set(768, 384, 128, 32);
    assertThat(split.isSequential()).isFalse();
    split.set(64, 64, 32, 32);
    assertThat(split.isSequential()).isTrue();
  }

  /** Also shows that the compiler keeps the vectors in registers: boxing would allocate. */
  @Test
  void aSteadyProductAllocatesNothing() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (WorkerPool pool = new WorkerPool(1);
        HostBuffer buffer = new HostBuffer(4 * 6 * 96 * 96, closed -> {})) {
      Tensor[] t = new Tensor[6];
      for (int i = 0; i < t.length; i++) {
        t[i] = new Tensor(buffer, 4L * i * 96 * 96, DType.F32, Shape.of(96, 96));
      }
      LinearCpu linear = LinearLayers.with(CpuKernels.best().gemm(), pool);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      long allocated;
      do {
        allocated = -threads.getCurrentThreadAllocatedBytes();
        linear.forward(t[0], null, t[1], t[2], null, Activation.IDENTITY);
        linear.backward(t[3], t[4], null, t[0], t[1], t[2], null, Activation.IDENTITY);
        allocated += threads.getCurrentThreadAllocatedBytes();
      } while (allocated > 0 && System.nanoTime() < deadline);
      assertThat(allocated).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-XX:MaxVectorSize=32", "-XX:MaxVectorSize=16"})
  void shorterVectorsGiveTheSameProducts(String vectorSize) throws Exception {
    List<String> flags = List.of("--add-modules", "jdk.incubator.vector", vectorSize);
    assertThat(runInOwnJvm(flags)).contains("kernel VectorGemmKernel", "products agree");
  }

  @Test
  void worksWithoutTheVectorModule() throws Exception {
    List<String> output = runInOwnJvm(List.of("-verbose:class"));
    assertThat(output).contains("kernel ScalarGemmKernel", "products agree");
    assertThat(output).noneMatch(line -> line.contains("jdk.incubator.vector"));
    assertThat(output).noneMatch(line -> line.contains("VectorGemmKernel"));
  }

  private static List<String> runInOwnJvm(List<String> flags)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    Collections.addAll(command, "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC");
    Collections.addAll(command, "-cp", System.getProperty("java.class.path"));
    command.add(Products.class.getName());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (var reader = process.inputReader()) {
      List<String> lines = reader.lines().toList();
      assertThat(process.waitFor()).as("%s", lines).isZero();
      return lines;
    }
  }

  /** Products of small integers, which are exact in any order, against the definition. */
  static final class Products {
    private Products() {}

    public static void main(String[] args) {
      System.out.println("kernel " + CpuKernels.best().gemm().getClass().getSimpleName());
      int[][] shapes = {{1, 9, 37}, {13, 33, 17}, {30, 70, 600}};
      for (int[] shape : shapes) {
        check(shape[0], shape[1], shape[2]);
      }
      System.out.println("products agree");
    }

    private static void check(int n, int oc, int ic) {
      try (WorkerPool pool = new WorkerPool(2);
          HostBuffer buffer = new HostBuffer(8L * (n * ic + oc * ic + n * oc), closed -> {})) {
        Tensor in = new Tensor(buffer, 0, DType.F32, Shape.of(n, ic));
        Tensor weight = new Tensor(buffer, in.bytes(), DType.F32, Shape.of(oc, ic));
        long used = in.bytes() + weight.bytes();
        Tensor out = new Tensor(buffer, used, DType.F32, Shape.of(n, oc));
        Tensor dIn = new Tensor(buffer, used + out.bytes(), DType.F32, in.shape());
        used += out.bytes() + dIn.bytes();
        Tensor dWeight = new Tensor(buffer, used, DType.F32, weight.shape());
        fill(in);
        fill(weight);
        LinearCpu linear = LinearLayers.with(CpuKernels.best().gemm(), pool);
        linear.forward(out, null, in, weight, null, Activation.IDENTITY);
        linear.backward(dIn, dWeight, null, out, in, weight, null, Activation.IDENTITY);
        for (int r = 0; r < n; r++) {
          for (int i = 0; i < ic; i++) {
            double sum = 0;
            for (int o = 0; o < oc; o++) {
              sum += out.getFloat(r * oc + o) * weight.getFloat(o * ic + i);
            }
            same(dIn.getFloat(r * ic + i), sum);
          }
        }
        for (int o = 0; o < oc; o++) {
          for (int r = 0; r < n; r++) {
            double sum = 0;
            for (int i = 0; i < ic; i++) {
              sum += in.getFloat(r * ic + i) * weight.getFloat(o * ic + i);
            }
            same(out.getFloat(r * oc + o), sum);
          }
          for (int i = 0; i < ic; i++) {
            double sum = 0;
            for (int r = 0; r < n; r++) {
              sum += out.getFloat(r * oc + o) * in.getFloat(r * ic + i);
            }
            same(dWeight.getFloat(o * ic + i), sum);
          }
        }
      }
    }

    private static void fill(Tensor tensor) {
      for (int i = 0; i < tensor.elements(); i++) {
        tensor.setFloat(i, i * 7 % 5 - 2);
      }
    }

    private static void same(float actual, double expected) {
      if (actual != expected) {
        throw new AssertionError(actual + " is not " + expected);
      }
    }
  }
}
