package dev.culebra.cuda;

import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.runtime.cudaStream_t;

/** cuBLAS through JCublas. */
final class BlasThroughJCuda implements CudaBlas {
  private static final int DEFAULT_ALGORITHM = -1;

  private static final class Blas extends cublasHandle implements Handle {}

  private final float[] beta = new float[1];
  private final Pointer alphaPointer = Pointer.to(new float[] {1});
  private final Pointer betaPointer = Pointer.to(beta);

  private static void check(String call, int status) {
    if (status != 0) {
      throw new CudaException(call, status, BlasStatus.name(status));
    }
  }

  @Override
  public Handle create() {
    Blas blas = new Blas();
    check("cublasCreate", JCublas2.cublasCreate(blas));
    check("cublasSetMathMode", JCublas2.cublasSetMathMode(blas, MATH_MODE));
    return blas;
  }

  @Override
  public void destroy(Handle blas) {
    check("cublasDestroy", JCublas2.cublasDestroy((Blas) blas));
  }

  @Override
  public int version(Handle blas) {
    int[] version = new int[1];
    check("cublasGetVersion", JCublas2.cublasGetVersion((Blas) blas, version));
    return version[0];
  }

  @Override
  public void setStream(Handle blas, Handle stream) {
    cudaStream_t runtimeStream = new cudaStream_t((DriverThroughJCuda.Stream) stream);
    check("cublasSetStream", JCublas2.cublasSetStream((Blas) blas, runtimeStream));
  }

  @Override
  public void setWorkspace(Handle blas, long address, long bytes) {
    check(
        "cublasSetWorkspace",
        JCublas2.cublasSetWorkspace((Blas) blas, DriverThroughJCuda.device(address), bytes));
  }

  /** The call without {@code _new} takes another kind of compute type and does nothing. */
  @Override
  public void gemm(Handle blas, GemmCall call) {
    beta[0] = call.beta();
    check(
        "cublasGemmEx of " + call,
        JCublas2.cublasGemmEx_new(
            (Blas) blas,
            call.transposeA() ? 1 : 0,
            call.transposeB() ? 1 : 0,
            call.m(),
            call.n(),
            call.k(),
            alphaPointer,
            DriverThroughJCuda.device(call.a()),
            call.inputs().number(),
            call.lda(),
            DriverThroughJCuda.device(call.b()),
            call.inputs().number(),
            call.ldb(),
            betaPointer,
            DriverThroughJCuda.device(call.c()),
            call.output().number(),
            call.ldc(),
            call.precision().number(),
            DEFAULT_ALGORITHM));
  }

  @Override
  public void gemmBatch(Handle blas, GemmBatch batch) {
    GemmCall call = batch.first();
    beta[0] = call.beta();
    check(
        "cublasGemmStridedBatchedEx of " + batch,
        JCublas2.cublasGemmStridedBatchedEx_new(
            (Blas) blas,
            call.transposeA() ? 1 : 0,
            call.transposeB() ? 1 : 0,
            call.m(),
            call.n(),
            call.k(),
            alphaPointer,
            DriverThroughJCuda.device(call.a()),
            call.inputs().number(),
            call.lda(),
            batch.nextA(),
            DriverThroughJCuda.device(call.b()),
            call.inputs().number(),
            call.ldb(),
            batch.nextB(),
            betaPointer,
            DriverThroughJCuda.device(call.c()),
            call.output().number(),
            call.ldc(),
            batch.nextC(),
            batch.count(),
            call.precision().number(),
            DEFAULT_ALGORITHM));
  }
}
