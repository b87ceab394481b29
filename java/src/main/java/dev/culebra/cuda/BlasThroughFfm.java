package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** cuBLAS through Java's Foreign Function and Memory API. */
final class BlasThroughFfm implements CudaBlas {
  /** CUBLAS_GEMM_DEFAULT. */
  private static final int DEFAULT_ALGORITHM = -1;

  private final MethodHandle create;
  private final MethodHandle destroy;
  private final MethodHandle getVersion;
  private final MethodHandle setMathMode;
  private final MethodHandle setStream;
  private final MethodHandle setWorkspace;
  private final MethodHandle gemmEx;
  private final MethodHandle gemmStridedBatchedEx;
  private final MemorySegment alpha = Arena.ofAuto().allocateFrom(JAVA_FLOAT, 1);
  private final MemorySegment beta = Arena.ofAuto().allocate(JAVA_FLOAT);

  BlasThroughFfm(NativeLibrary cublas) {
    create = cublas.function("cublasCreate_v2", ADDRESS);
    destroy = cublas.function("cublasDestroy_v2", ADDRESS);
    getVersion = cublas.function("cublasGetVersion_v2", ADDRESS, ADDRESS);
    setMathMode = cublas.function("cublasSetMathMode", ADDRESS, JAVA_INT);
    setStream = cublas.function("cublasSetStream_v2", ADDRESS, ADDRESS);
    setWorkspace = cublas.function("cublasSetWorkspace_v2", ADDRESS, ADDRESS, JAVA_LONG);
    gemmEx =
        cublas.function(
            "cublasGemmEx",
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT);
    gemmStridedBatchedEx =
        cublas.function(
            "cublasGemmStridedBatchedEx",
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT);
  }

  private static void check(String call, NativeLibrary.Call body) {
    int status = NativeLibrary.status(body);
    if (status != 0) {
      throw new CudaException(call, status, BlasStatus.name(status));
    }
  }

  private static MemorySegment pointer(Handle handle) {
    return ((DriverThroughFfm.Address) handle).pointer();
  }

  @Override
  public Handle create() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check("cublasCreate", () -> (int) create.invokeExact(out));
      MemorySegment blas = MemorySegment.ofAddress(out.get(ADDRESS, 0).address());
      check("cublasSetMathMode", () -> (int) setMathMode.invokeExact(blas, MATH_MODE));
      return new DriverThroughFfm.Address(blas);
    }
  }

  @Override
  public void destroy(Handle blas) {
    check("cublasDestroy", () -> (int) destroy.invokeExact(pointer(blas)));
  }

  @Override
  public int version(Handle blas) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      check("cublasGetVersion", () -> (int) getVersion.invokeExact(pointer(blas), out));
      return out.get(JAVA_INT, 0);
    }
  }

  @Override
  public void setStream(Handle blas, Handle stream) {
    MemorySegment pointer = MemorySegment.ofAddress(((StreamHandle) stream).address());
    check("cublasSetStream", () -> (int) setStream.invokeExact(pointer(blas), pointer));
  }

  @Override
  public void setWorkspace(Handle blas, long address, long bytes) {
    MemorySegment memory = MemorySegment.ofAddress(address);
    check("cublasSetWorkspace", () -> (int) setWorkspace.invokeExact(pointer(blas), memory, bytes));
  }

  @Override
  public void gemm(Handle blas, GemmCall call) {
    beta.set(JAVA_FLOAT, 0, call.beta());
    int status =
        NativeLibrary.status(
            () ->
                (int)
                    gemmEx.invokeExact(
                        pointer(blas),
                        call.transposeA() ? 1 : 0,
                        call.transposeB() ? 1 : 0,
                        call.m(),
                        call.n(),
                        call.k(),
                        alpha,
                        MemorySegment.ofAddress(call.a()),
                        call.inputs().number(),
                        call.lda(),
                        MemorySegment.ofAddress(call.b()),
                        call.inputs().number(),
                        call.ldb(),
                        beta,
                        MemorySegment.ofAddress(call.c()),
                        call.output().number(),
                        call.ldc(),
                        call.precision().number(),
                        DEFAULT_ALGORITHM));
    if (status != 0) {
      throw new CudaException("cublasGemmEx of " + call, status, BlasStatus.name(status));
    }
  }

  @Override
  public void gemmBatch(Handle blas, GemmBatch batch) {
    GemmCall call = batch.first();
    beta.set(JAVA_FLOAT, 0, call.beta());
    int status =
        NativeLibrary.status(
            () ->
                (int)
                    gemmStridedBatchedEx.invokeExact(
                        pointer(blas),
                        call.transposeA() ? 1 : 0,
                        call.transposeB() ? 1 : 0,
                        call.m(),
                        call.n(),
                        call.k(),
                        alpha,
                        MemorySegment.ofAddress(call.a()),
                        call.inputs().number(),
                        call.lda(),
                        batch.nextA(),
                        MemorySegment.ofAddress(call.b()),
                        call.inputs().number(),
                        call.ldb(),
                        batch.nextB(),
                        beta,
                        MemorySegment.ofAddress(call.c()),
                        call.output().number(),
                        call.ldc(),
                        batch.nextC(),
                        batch.count(),
                        call.precision().number(),
                        DEFAULT_ALGORITHM));
    if (status != 0) {
      throw new CudaException(
          "cublasGemmStridedBatchedEx of " + batch, status, BlasStatus.name(status));
    }
  }
}
