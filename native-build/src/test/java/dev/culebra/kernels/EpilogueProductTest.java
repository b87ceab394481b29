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
import java.lang.foreign.ValueLayout;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The simulated cublasLt: D (8, 2) = epilogue(A (8, 1) · B (1, 2)) in bf16, and what it rejects.
 * The numbers are exact in bf16.
 */
class EpilogueProductTest {
  private static final int F32 = 0;
  private static final int BF16 = 14;
  private static final int COMPUTE_32F = 68;
  private static final int COMPUTE_TF32 = 77;
  private static final int INVALID_VALUE = 7;
  private static final int NOT_SUPPORTED = 15;

  private static final int TRANSA = 3;
  private static final int EPILOGUE = 7;
  private static final int BIAS_POINTER = 8;
  private static final int AUX_POINTER = 11;
  private static final int AUX_LD = 12;
  private static final int MAX_WORKSPACE_BYTES = 1;
  private static final int MIN_ALIGNMENT_A_BYTES = 5;

  private static final int NONE = 1;
  private static final int BIAS = 4;
  private static final int GELU_AUX_BIAS = 164;
  private static final int DGELU = 192;

  private static final int ROWS = 8;
  private static final int COLUMNS = 2;
  private static final float[] A = {-3, -1.5f, -0.75f, -0.25f, 0, 0.5f, 1, 4};
  private static final float[] B = {1, -0.5f};
  private static final float[] SHIFT = {1, 0, 0.5f, 0, 0.25f, 0, -1, 0};

  private final Arena arena = Arena.ofShared();
  private final MemorySegment results = arena.allocate(96, 8);
  private TestDevice device;
  private SymbolLookup lt;
  private MemorySegment handle;
  private MemorySegment desc;
  private MemorySegment preference;
  private MemorySegment layoutA;
  private MemorySegment layoutB;
  private MemorySegment layoutD;
  private long a;
  private long b;
  private long d;
  private long workspace;

  @BeforeEach
  void open() {
    TestDevice.assumeSimulator();
    device = new TestDevice();
    lt = SymbolLookup.libraryLookup("libcublasLt.so.13", arena);
    handle = made("cublasLtCreate");
    preference = made("cublasLtMatmulPreferenceCreate");
    layoutA = layout(BF16, ROWS, 1);
    layoutB = layout(BF16, 1, COLUMNS);
    layoutD = layout(BF16, ROWS, COLUMNS);
    desc = made("cublasLtMatmulDescCreate", COMPUTE_32F, F32);
    a = upload(A);
    b = upload(B);
    d = device.allocate(ROWS * COLUMNS);
    workspace = device.allocate(1 << 20);
    for (int matrix = 0; matrix < 4; matrix++) {
      prefer(MIN_ALIGNMENT_A_BYTES + matrix, arena.allocateFrom(JAVA_INT, 16));
    }
    prefer(MAX_WORKSPACE_BYTES, arena.allocateFrom(JAVA_LONG, 4 << 20));
  }

  @AfterEach
  void close() {
    if (device != null) {
      device.close();
    }
    arena.close();
  }

  private int call(String function, Object... arguments) {
    MemoryLayout[] layouts =
        Stream.of(arguments).map(EpilogueProductTest::layoutOf).toArray(MemoryLayout[]::new);
    try {
      return (int)
          Linker.nativeLinker()
              .downcallHandle(
                  lt.find(function).orElseThrow(), FunctionDescriptor.of(JAVA_INT, layouts))
              .invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  private static ValueLayout layoutOf(Object argument) {
    return switch (argument) {
      case Integer i -> JAVA_INT;
      case Long l -> JAVA_LONG;
      default -> ADDRESS;
    };
  }

  /** The value that a function writes to its first argument. */
  private MemorySegment made(String function, Object... arguments) {
    MemorySegment out = arena.allocate(ADDRESS);
    Object[] all = Stream.concat(Stream.of(out), Stream.of(arguments)).toArray();
    assertThat(call(function, all)).as(function).isZero();
    return out.get(ADDRESS, 0);
  }

  private MemorySegment layout(int type, long rows, long columns) {
    return made("cublasLtMatrixLayoutCreate", type, rows, columns, rows);
  }

  private void prefer(int attribute, MemorySegment value) {
    long bytes = value.byteSize();
    String function = "cublasLtMatmulPreferenceSetAttribute";
    assertThat(call(function, preference, attribute, value, bytes)).isZero();
  }

  private int set(int attribute, MemorySegment value) {
    return call("cublasLtMatmulDescSetAttribute", desc, attribute, value, value.byteSize());
  }

  private void setInt(int attribute, int value) {
    assertThat(set(attribute, arena.allocateFrom(JAVA_INT, value))).isZero();
  }

  private void setLong(int attribute, long value) {
    assertThat(set(attribute, arena.allocateFrom(JAVA_LONG, value))).isZero();
  }

  /** Requests an algorithm, which comes first in the results. */
  private int choose() {
    return call(
        "cublasLtMatmulAlgoGetHeuristic",
        handle,
        desc,
        layoutA,
        layoutB,
        layoutD,
        layoutD,
        preference,
        1,
        results,
        arena.allocate(JAVA_INT));
  }

  private int multiply(long workspaceBytes) {
    MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1);
    MemorySegment zero = arena.allocateFrom(JAVA_FLOAT, 0);
    return call(
        "cublasLtMatmul",
        handle,
        desc,
        one,
        a,
        layoutA,
        b,
        layoutB,
        zero,
        d,
        layoutD,
        d,
        layoutD,
        results,
        workspace,
        workspaceBytes,
        MemorySegment.NULL);
  }

  private int multiply() {
    assertThat(choose()).isZero();
    return multiply(4 << 20);
  }

  /** Two bf16 numbers in each float. */
  private long upload(float... values) {
    float[] pairs = new float[Math.ceilDiv(values.length, 2)];
    for (int i = 0; i < values.length; i++) {
      int half = Float.floatToRawIntBits(values[i]) >>> 16;
      int before = Float.floatToRawIntBits(pairs[i / 2]);
      pairs[i / 2] = Float.intBitsToFloat(before | half << 16 * (i % 2));
    }
    return device.upload(pairs);
  }

  private float[] download(long address) {
    float[] pairs = device.download(address, ROWS * COLUMNS / 2);
    float[] values = new float[ROWS * COLUMNS];
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToRawIntBits(pairs[i / 2]);
      values[i] = Float.intBitsToFloat(i % 2 == 0 ? bits << 16 : bits & 0xffff0000);
    }
    return values;
  }

  private static void check(float[] actual, DoubleUnaryOperator expected) {
    for (int i = 0; i < actual.length; i++) {
      double wanted = expected.applyAsDouble(i);
      double rounding = Math.abs(wanted) / 256 + 1e-7;
      assertThat((double) actual[i]).as("[%d]", i).isCloseTo(wanted, within(rounding));
    }
  }

  /** x for element i of D, in column-major order. */
  private static double product(double i) {
    return A[(int) i % ROWS] * B[(int) i / ROWS];
  }

  private static double shifted(double i) {
    return product(i) + SHIFT[(int) i % ROWS];
  }

  private static double gelu(double x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  private static double slope(double x) {
    double step = 1e-5;
    return (gelu(x + step) - gelu(x - step)) / (2 * step);
  }

  @Test
  void aBiasHasAnElementForEachRow() {
    setInt(EPILOGUE, BIAS);
    setLong(BIAS_POINTER, upload(SHIFT));
    assertThat(multiply()).isZero();
    check(download(d), EpilogueProductTest::shifted);
  }

  @Test
  void geluKeepsItsArgument() {
    long kept = device.allocate(ROWS * COLUMNS);
    setInt(EPILOGUE, GELU_AUX_BIAS);
    setLong(BIAS_POINTER, upload(SHIFT));
    setLong(AUX_POINTER, kept);
    setLong(AUX_LD, ROWS);
    assertThat(multiply()).isZero();
    check(download(kept), EpilogueProductTest::shifted);
    check(download(d), i -> gelu(shifted(i)));
  }

  /**
   * 1 + 2⁻⁸ · 1.5 is not representable in bf16: GELU is applied to it, not to the rounded number.
   */
  @Test
  void geluIsAppliedToTheUnroundedSum() {
    b = upload(1 + 1f / 128, 64);
    a = upload(1 + 1f / 128, 0, 0, 0, 0, 0, 0, 0);
    long kept = device.allocate(ROWS * COLUMNS);
    setInt(EPILOGUE, 160);
    setLong(AUX_POINTER, kept);
    setLong(AUX_LD, ROWS);
    assertThat(multiply()).isZero();
    double sum = (1 + 1.0 / 128) * (1 + 1.0 / 128);
    assertThat(download(kept)[0]).isEqualTo(1 + 2f / 128);
    int bits = Float.floatToRawIntBits((float) gelu(sum));
    assertThat(download(d)[0]).isEqualTo(Float.intBitsToFloat(bits + 0x8000 & 0xffff0000));
  }

  @Test
  void slopeOfGeluMultiplies() {
    float[] at = new float[ROWS * COLUMNS];
    for (int i = 0; i < at.length; i++) {
      at[i] = (i - 8) * 0.5f;
    }
    setInt(EPILOGUE, DGELU);
    setLong(AUX_POINTER, upload(at));
    setLong(AUX_LD, ROWS);
    assertThat(multiply()).isZero();
    check(download(d), i -> product(i) * slope(at[(int) i]));
  }

  @Test
  void aCapturedProductIsDoneWhenItsGraphIsLaunched() {
    MemorySegment stream = arena.allocate(ADDRESS);
    device.check("cuStreamCreate", stream, 0);
    MemorySegment captured = stream.get(ADDRESS, 0);
    assertThat(choose()).isZero();
    device.check("cuStreamBeginCapture_v2", captured, 1);
    MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1);
    MemorySegment zero = arena.allocateFrom(JAVA_FLOAT, 0);
    assertThat(
            call(
                "cublasLtMatmul",
                handle,
                desc,
                one,
                a,
                layoutA,
                b,
                layoutB,
                zero,
                d,
                layoutD,
                d,
                layoutD,
                results,
                workspace,
                4L << 20,
                captured))
        .isZero();
    MemorySegment out = arena.allocate(ADDRESS);
    device.check("cuStreamEndCapture", captured, out);
    MemorySegment graph = arena.allocate(ADDRESS);
    device.check("cuGraphInstantiateWithFlags", graph, out.get(ADDRESS, 0), 0L);
    device.check("cuMemsetD8_v2", d, 0, (long) ROWS * COLUMNS * 2);
    check(download(d), i -> 0);
    device.check("cuGraphLaunch", graph.get(ADDRESS, 0), captured);
    device.check("cuStreamSynchronize", captured);
    check(download(d), EpilogueProductTest::product);
  }

  /** Stricter than cuBLAS: an algorithm runs only the product it was requested for. */
  @Test
  void anAlgorithmRunsOnlyItsProduct() {
    assertThat(choose()).isZero();
    setInt(EPILOGUE, BIAS);
    setLong(BIAS_POINTER, upload(SHIFT));
    assertThat(multiply(4 << 20)).isEqualTo(INVALID_VALUE);
  }

  @Test
  void lessWorkspaceThanRequestedIsRejected() {
    setInt(EPILOGUE, DGELU);
    setLong(AUX_POINTER, device.allocate(ROWS * COLUMNS));
    setLong(AUX_LD, ROWS);
    assertThat(choose()).isZero();
    assertThat(multiply(1 << 20)).isEqualTo(INVALID_VALUE);
    prefer(MAX_WORKSPACE_BYTES, arena.allocateFrom(JAVA_LONG, 1 << 20));
    assertThat(choose()).isZero();
    assertThat(multiply(1 << 20)).isZero();
  }

  @Test
  void addressesMustBeAlignedAsRequested() {
    assertThat(choose()).isZero();
    a += 8;
    assertThat(multiply(4 << 20)).isEqualTo(INVALID_VALUE);
  }

  @ParameterizedTest
  @CsvSource({"3, 8", "7, 8", "12, 4", "99, 4"})
  void unknownAttributesAndWrongSizesAreRejected(int attribute, int bytes) {
    assertThat(set(attribute, arena.allocate(bytes))).isEqualTo(INVALID_VALUE);
  }

  @Test
  void shapesThatDoNotFitAreRejected() {
    setInt(TRANSA, 1);
    assertThat(choose()).isEqualTo(INVALID_VALUE);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 208, 512})
  void otherEpiloguesAreNotSupported(int epilogue) {
    setInt(EPILOGUE, epilogue);
    assertThat(choose()).isEqualTo(NOT_SUPPORTED);
  }

  @Test
  void tf32NeedsFloatInputs() {
    desc = made("cublasLtMatmulDescCreate", COMPUTE_TF32, F32);
    setInt(EPILOGUE, NONE);
    assertThat(choose()).isEqualTo(NOT_SUPPORTED);
  }
}
