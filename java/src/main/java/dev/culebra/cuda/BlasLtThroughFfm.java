package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.function.Function;

/** cublasLt through Java's Foreign Function and Memory API. */
final class BlasLtThroughFfm implements CudaBlasLt {
  // cublasLtMatmulDescAttributes_t
  private static final int TRANSA = 3;
  private static final int TRANSB = 4;
  private static final int EPILOGUE = 7;
  private static final int BIAS_POINTER = 8;
  private static final int AUX_POINTER = 11;
  private static final int AUX_LD = 12;

  // cublasLtMatmulPreferenceAttributes_t
  private static final int MAX_WORKSPACE_BYTES = 1;
  private static final int REDUCTION_SCHEME_MASK = 3;
  private static final int[] MIN_ALIGNMENTS = {5, 6, 7, 8}; // of A, B, C, D

  /** CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE: parts of a sum are added in single precision. */
  private static final int REDUCE_IN_FLOAT = 2;

  /** CUDA_R_32F, the type of alpha and beta. */
  private static final int SCALE_TYPE = 0;

  private static final int NOT_SUPPORTED = 15;

  // cublasLtMatmulHeuristicResult_t begins with the algorithm; then size_t workspace, int status.
  private static final long ALGORITHM_BYTES = 64;
  private static final long RESULT_BYTES = 96;
  private static final long RESULT_STATUS = 72;

  private final MethodHandle create;
  private final MethodHandle destroy;
  private final MethodHandle descCreate;
  private final MethodHandle descDestroy;
  private final MethodHandle descSet;
  private final MethodHandle layoutCreate;
  private final MethodHandle layoutDestroy;
  private final MethodHandle preferenceCreate;
  private final MethodHandle preferenceDestroy;
  private final MethodHandle preferenceSet;
  private final MethodHandle heuristic;
  private final MethodHandle matmul;
  private final MemorySegment alpha = Arena.ofAuto().allocateFrom(JAVA_FLOAT, 1);
  private final MemorySegment beta = Arena.ofAuto().allocate(JAVA_FLOAT);
  private final MemorySegment attribute = Arena.ofAuto().allocate(JAVA_LONG);

  /** Descriptors of the operation, of A, of B and of C, and the algorithm. */
  private record Plan(
      MemorySegment desc,
      MemorySegment a,
      MemorySegment b,
      MemorySegment c,
      MemorySegment algorithm)
      implements Handle {}

  BlasLtThroughFfm(NativeLibrary lt) {
    create = lt.function("cublasLtCreate", ADDRESS);
    destroy = lt.function("cublasLtDestroy", ADDRESS);
    descCreate = lt.function("cublasLtMatmulDescCreate", ADDRESS, JAVA_INT, JAVA_INT);
    descDestroy = lt.function("cublasLtMatmulDescDestroy", ADDRESS);
    descSet = lt.function("cublasLtMatmulDescSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
    layoutCreate =
        lt.function(
            "cublasLtMatrixLayoutCreate", ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    layoutDestroy = lt.function("cublasLtMatrixLayoutDestroy", ADDRESS);
    preferenceCreate = lt.function("cublasLtMatmulPreferenceCreate", ADDRESS);
    preferenceDestroy = lt.function("cublasLtMatmulPreferenceDestroy", ADDRESS);
    preferenceSet =
        lt.function("cublasLtMatmulPreferenceSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
    heuristic =
        lt.function(
            "cublasLtMatmulAlgoGetHeuristic",
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            ADDRESS,
            ADDRESS);
    matmul =
        lt.function(
            "cublasLtMatmul",
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            JAVA_LONG,
            ADDRESS);
  }

  private static void check(String call, NativeLibrary.Call body) {
    int status = NativeLibrary.status(body);
    if (status != 0) {
      throw new CudaException(call, status, BlasStatus.name(status));
    }
  }

  /** Calls a function whose first argument is the address of a pointer to write. */
  private static MemorySegment make(String call, Function<MemorySegment, NativeLibrary.Call> body) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check(call, body.apply(out));
      return MemorySegment.ofAddress(out.get(ADDRESS, 0).address());
    }
  }

  private static MemorySegment pointer(Handle handle) {
    return ((DriverThroughFfm.Address) handle).pointer();
  }

  @Override
  public Handle create() {
    return new DriverThroughFfm.Address(
        make("cublasLtCreate", out -> () -> (int) create.invokeExact(out)));
  }

  @Override
  public void destroy(Handle lt) {
    check("cublasLtDestroy", () -> (int) destroy.invokeExact(pointer(lt)));
  }

  @Override
  public Handle plan(Handle lt, LtCall call, long workspaceBytes) {
    GemmCall gemm = call.gemm();
    Plan plan =
        new Plan(
            desc(gemm.precision().number()),
            layout(gemm.transposeA(), gemm.m(), gemm.k(), gemm.lda(), gemm.inputs()),
            layout(gemm.transposeB(), gemm.k(), gemm.n(), gemm.ldb(), gemm.inputs()),
            layout(false, gemm.m(), gemm.n(), gemm.ldc(), gemm.output()),
            Arena.ofAuto().allocate(ALGORITHM_BYTES, Long.BYTES));
    MemorySegment preference =
        make(
            "cublasLtMatmulPreferenceCreate", out -> () -> (int) preferenceCreate.invokeExact(out));
    try {
      setInt(plan.desc, TRANSA, gemm.transposeA() ? 1 : 0);
      setInt(plan.desc, TRANSB, gemm.transposeB() ? 1 : 0);
      setInt(plan.desc, EPILOGUE, call.epilogue().number());
      if (call.epilogue().hasAuxiliary()) {
        setLong(plan.desc, AUX_LD, gemm.ldc());
      }
      setAddresses(plan, call);
      prefer(preference, workspaceBytes);
      if (choose(lt, plan, preference, call)) {
        return plan;
      }
    } catch (CudaException e) {
      destroyPlan(plan);
      throw e;
    } finally {
      check(
          "cublasLtMatmulPreferenceDestroy", () -> (int) preferenceDestroy.invokeExact(preference));
    }
    destroyPlan(plan);
    return null;
  }

  private MemorySegment desc(int computeType) {
    return make(
        "cublasLtMatmulDescCreate",
        out -> () -> (int) descCreate.invokeExact(out, computeType, SCALE_TYPE));
  }

  /** Layout of a matrix whose transpose has {@code rows} and {@code columns}. */
  private MemorySegment layout(
      boolean transposed, int rows, int columns, int stride, MatrixType type) {
    long storedRows = transposed ? columns : rows;
    long storedColumns = transposed ? rows : columns;
    return make(
        "cublasLtMatrixLayoutCreate",
        out ->
            () ->
                (int)
                    layoutCreate.invokeExact(
                        out, type.number(), storedRows, storedColumns, (long) stride));
  }

  private void prefer(MemorySegment preference, long workspaceBytes) {
    attribute.set(JAVA_LONG, 0, workspaceBytes);
    setPreference(preference, MAX_WORKSPACE_BYTES, Long.BYTES);
    attribute.set(JAVA_INT, 0, REDUCE_IN_FLOAT);
    setPreference(preference, REDUCTION_SCHEME_MASK, Integer.BYTES);
    attribute.set(JAVA_INT, 0, LtCall.ALIGNMENT);
    for (int alignment : MIN_ALIGNMENTS) {
      setPreference(preference, alignment, Integer.BYTES);
    }
  }

  private void setPreference(MemorySegment preference, int number, long bytes) {
    check(
        "cublasLtMatmulPreferenceSetAttribute",
        () -> (int) preferenceSet.invokeExact(preference, number, attribute, bytes));
  }

  /** Writes the first algorithm into the plan; false if there is none. */
  private boolean choose(Handle lt, Plan plan, MemorySegment preference, LtCall call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(RESULT_BYTES, Long.BYTES);
      MemorySegment found = arena.allocate(JAVA_INT);
      int status =
          NativeLibrary.status(
              () ->
                  (int)
                      heuristic.invokeExact(
                          pointer(lt),
                          plan.desc,
                          plan.a,
                          plan.b,
                          plan.c,
                          plan.c,
                          preference,
                          1,
                          result,
                          found));
      if (status != 0 && status != NOT_SUPPORTED) {
        throw new CudaException(
            "cublasLtMatmulAlgoGetHeuristic of " + call, status, BlasStatus.name(status));
      }
      MemorySegment.copy(result, 0, plan.algorithm, 0, ALGORITHM_BYTES);
      return status == 0 && found.get(JAVA_INT, 0) > 0 && result.get(JAVA_INT, RESULT_STATUS) == 0;
    }
  }

  private void setAddresses(Plan plan, LtCall call) {
    if (call.epilogue().hasBias()) {
      setLong(plan.desc, BIAS_POINTER, call.bias());
    }
    if (call.epilogue().hasAuxiliary()) {
      setLong(plan.desc, AUX_POINTER, call.auxiliary());
    }
  }

  private void setInt(MemorySegment desc, int number, int value) {
    attribute.set(JAVA_INT, 0, value);
    setAttribute(desc, number, Integer.BYTES);
  }

  private void setLong(MemorySegment desc, int number, long value) {
    attribute.set(JAVA_LONG, 0, value);
    setAttribute(desc, number, Long.BYTES);
  }

  private void setAttribute(MemorySegment desc, int number, long bytes) {
    check(
        "cublasLtMatmulDescSetAttribute",
        () -> (int) descSet.invokeExact(desc, number, attribute, bytes));
  }

  @Override
  public void destroyPlan(Handle handle) {
    Plan plan = (Plan) handle;
    for (MemorySegment layout : new MemorySegment[] {plan.a, plan.b, plan.c}) {
      check("cublasLtMatrixLayoutDestroy", () -> (int) layoutDestroy.invokeExact(layout));
    }
    check("cublasLtMatmulDescDestroy", () -> (int) descDestroy.invokeExact(plan.desc));
  }

  @Override
  public void multiply(
      Handle lt, Handle handle, LtCall call, long workspace, long workspaceBytes, Handle stream) {
    Plan plan = (Plan) handle;
    GemmCall gemm = call.gemm();
    MemorySegment c = MemorySegment.ofAddress(gemm.c());
    setAddresses(plan, call);
    beta.set(JAVA_FLOAT, 0, gemm.beta());
    int status =
        NativeLibrary.status(
            () ->
                (int)
                    matmul.invokeExact(
                        pointer(lt),
                        plan.desc,
                        alpha,
                        MemorySegment.ofAddress(gemm.a()),
                        plan.a,
                        MemorySegment.ofAddress(gemm.b()),
                        plan.b,
                        beta,
                        c,
                        plan.c,
                        c,
                        plan.c,
                        plan.algorithm,
                        MemorySegment.ofAddress(workspace),
                        workspaceBytes,
                        MemorySegment.ofAddress(((StreamHandle) stream).address())));
    if (status != 0) {
      throw new CudaException("cublasLtMatmul of " + call, status, BlasStatus.name(status));
    }
  }
}
