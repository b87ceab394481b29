package dev.culebra.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The simulated cuBLAS: C (m, n) = alpha · op(A) · op(B) + beta · C, column-major. */
class MatrixProductTest {
  private static final int F32 = 0;
  private static final int BF16 = 14;
  private static final int COMPUTE_32F = 68;
  private static final int COMPUTE_TF32 = 77;
  private static final int INVALID_VALUE = 7;
  private static final int NOT_SUPPORTED = 15;

  /** The rounding errors of bf16 and TF32: half a unit in the last of 8 and 11 bits. */
  private static final double BF16_ERROR = 1.0 / 256;

  private static final double TF32_ERROR = 1.0 / 2048;

  private final Arena arena = Arena.ofShared();
  private final Random random = new Random(3);
  private TestDevice device;
  private MethodHandle gemm;
  private MemorySegment handle;

  private record Shape(int m, int n, int k, boolean transA, boolean transB) {}

  @BeforeEach
  void open() throws Throwable {
    TestDevice.assumeSimulator();
    device = new TestDevice();
    SymbolLookup cublas = SymbolLookup.libraryLookup("libcublas.so.13", arena);
    MethodHandle create =
        Linker.nativeLinker()
            .downcallHandle(
                cublas.find("cublasCreate_v2").orElseThrow(),
                FunctionDescriptor.of(JAVA_INT, ADDRESS));
    MemorySegment out = arena.allocate(ADDRESS);
    assertThat((int) create.invoke(out)).isZero();
    handle = out.get(ADDRESS, 0);
    gemm =
        Linker.nativeLinker()
            .downcallHandle(
                cublas.find("cublasGemmEx").orElseThrow(),
                FunctionDescriptor.of(JAVA_INT, gemmParameters()));
  }

  @AfterEach
  void close() {
    if (device != null) {
      device.close();
    }
    arena.close();
  }

  /** handle, transA, transB, m, n, k, alpha, A, type, lda, B, type, ldb, beta, C, type, ldc, … */
  private static MemoryLayout[] gemmParameters() {
    return new MemoryLayout[] {
      ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT,
      JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
      JAVA_INT
    };
  }

  private int multiply(
      Shape s, long a, long b, long c, int type, int typeC, float beta, int computeType) {
    int lda = s.transA ? s.k : s.m;
    int ldb = s.transB ? s.n : s.k;
    MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1.5f);
    MemorySegment factor = arena.allocateFrom(JAVA_FLOAT, beta);
    try {
      return (int)
          gemm.invoke(
              handle,
              s.transA ? 1 : 0,
              s.transB ? 1 : 0,
              s.m,
              s.n,
              s.k,
              one,
              a,
              type,
              lda,
              b,
              type,
              ldb,
              factor,
              c,
              typeC,
              s.m,
              computeType,
              -1);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private float[] numbers(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    return values;
  }

  /** 1.5 · op(A) · op(B) + beta · C in double precision. */
  private static double expected(
      Shape s, float[] a, float[] b, float[] c, float beta, int i, int j) {
    double sum = 0;
    for (int p = 0; p < s.k; p++) {
      double x = s.transA ? a[p + i * s.k] : a[i + p * s.m];
      double y = s.transB ? b[j + p * s.n] : b[p + j * s.k];
      sum += x * y;
    }
    return 1.5 * sum + (beta == 0 ? 0 : beta * c[i + j * s.m]);
  }

  private void check(Shape s, float beta, int computeType, double error) {
    float[] a = numbers(s.m * s.k);
    float[] b = numbers(s.k * s.n);
    float[] c = numbers(s.m * s.n);
    long out = device.upload(c);
    assertThat(multiply(s, device.upload(a), device.upload(b), out, F32, F32, beta, computeType))
        .isZero();

    float[] result = device.download(out, s.m * s.n);
    for (int j = 0; j < s.n; j++) {
      for (int i = 0; i < s.m; i++) {
        double tolerance = 2 * error * Math.sqrt(s.k) + 1e-6 * s.k;
        assertThat((double) result[i + j * s.m])
            .as("[%d, %d] of %s", i, j, s)
            .isCloseTo(expected(s, a, b, c, beta, i, j), within(tolerance));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "5, 7, 3", "33, 13, 17", "64, 96, 40", "130, 111, 70"})
  void awkwardShapes(int m, int n, int k) {
    for (boolean transA : new boolean[] {false, true}) {
      for (boolean transB : new boolean[] {false, true}) {
        check(new Shape(m, n, k, transA, transB), 0, COMPUTE_32F, 0);
        check(new Shape(m, n, k, transA, transB), 0.5f, COMPUTE_32F, 0);
      }
    }
  }

  @Test
  void tf32IsLessExact() {
    check(new Shape(20, 20, 30, true, false), 0, COMPUTE_TF32, TF32_ERROR);
    float[] a = {1 + (float) TF32_ERROR / 4};
    long c = device.upload(0);
    Shape one = new Shape(1, 1, 1, false, false);
    multiply(one, device.upload(a), device.upload(2), c, F32, F32, 0, COMPUTE_TF32);
    assertThat(device.download(c, 1)).containsExactly(3); // 1.5 · 1 · 2: the rest was rounded away
  }

  /** bf16 in, out in bf16 or float, sums in float. */
  @ParameterizedTest
  @ValueSource(ints = {BF16, F32})
  void bf16(int typeC) {
    Shape s = new Shape(6, 4, 10, true, false);
    float[] a = rounded(numbers(s.m * s.k));
    float[] b = rounded(numbers(s.k * s.n));
    float[] c = rounded(numbers(s.m * s.n));
    long out = typeC == F32 ? device.upload(c) : uploadBf16(c);
    assertThat(multiply(s, uploadBf16(a), uploadBf16(b), out, BF16, typeC, 1, COMPUTE_32F))
        .isZero();

    float[] result =
        typeC == F32 ? device.download(out, c.length) : halves(device.download(out, c.length / 2));
    for (int j = 0; j < s.n; j++) {
      for (int i = 0; i < s.m; i++) {
        double wanted = expected(s, a, b, c, 1, i, j);
        double tolerance = typeC == F32 ? 1e-5 : BF16_ERROR * Math.abs(wanted) + 1e-6;
        assertThat((double) result[i + j * s.m]).isCloseTo(wanted, within(tolerance));
      }
    }
  }

  private static float[] rounded(float[] values) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000);
    }
    return result;
  }

  /** An even number of values that are exact in bf16. */
  private long uploadBf16(float[] values) {
    float[] pairs = new float[values.length / 2];
    for (int i = 0; i < pairs.length; i++) {
      int low = Float.floatToRawIntBits(values[2 * i]) >>> 16;
      int high = Float.floatToRawIntBits(values[2 * i + 1]) & 0xffff0000;
      pairs[i] = Float.intBitsToFloat(low | high);
    }
    return device.upload(pairs);
  }

  private static float[] halves(float[] pairs) {
    float[] values = new float[pairs.length * 2];
    for (int i = 0; i < pairs.length; i++) {
      int bits = Float.floatToRawIntBits(pairs[i]);
      values[2 * i] = Float.intBitsToFloat(bits << 16);
      values[2 * i + 1] = Float.intBitsToFloat(bits & 0xffff0000);
    }
    return values;
  }

  @Test
  void unsupportedProductsAreRejected() {
    Shape s = new Shape(2, 2, 2, false, false);
    long x = device.upload(1, 2, 3, 4);
    assertThat(multiply(s, x, x, x, F32, BF16, 0, COMPUTE_32F)).isEqualTo(NOT_SUPPORTED);
    assertThat(multiply(s, x, x, x, BF16, BF16, 0, COMPUTE_TF32)).isEqualTo(NOT_SUPPORTED);
    assertThat(multiply(s, x, x, x, BF16, F32, 0, COMPUTE_TF32)).isEqualTo(NOT_SUPPORTED);
    int compute16F = 64;
    assertThat(multiply(s, x, x, x, F32, F32, 0, compute16F)).isEqualTo(NOT_SUPPORTED);
    Shape negative = new Shape(-1, 2, 2, false, false);
    assertThat(multiply(negative, x, x, x, F32, F32, 0, COMPUTE_32F)).isEqualTo(INVALID_VALUE);
  }
}
