package dev.culebra.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * cublasLt on the stream of a {@link Blas}, whose workspace it shares: products run one after the
 * other. The plan for a product is made once per shape.
 */
public final class BlasLt extends CudaObject {
  /**
   * Workspace limit of plans with {@link LtEpilogue#DGELU}. The first proposal of cublasLt 13.1 is
   * three times as slow with less and, at baby's sizes, a tenth slower with more (H200).
   */
  private static final long DGELU_BYTES = 4 << 20;

  private final Stream stream;
  private final DeviceBuffer workspace;
  private final Handle handle;
  private final Map<Shape, Optional<Handle>> plans = new HashMap<>();

  /** Everything that a plan depends on. */
  private record Shape(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      int lda,
      int ldb,
      int ldc,
      MatrixType inputs,
      MatrixType output,
      GemmCall.Precision precision,
      LtEpilogue epilogue) {
    static Shape of(LtCall call) {
      GemmCall gemm = call.gemm();
      return new Shape(
          gemm.transposeA(),
          gemm.transposeB(),
          gemm.m(),
          gemm.n(),
          gemm.k(),
          gemm.lda(),
          gemm.ldb(),
          gemm.ldc(),
          gemm.inputs(),
          gemm.output(),
          gemm.precision(),
          call.epilogue());
    }
  }

  /**
   * Starts cublasLt.
   *
   * @param stream that of {@code blas}
   * @param blas to be closed after this
   * @throws CudaUnavailableException if it could not be loaded, see {@link Cuda#blasLt}
   */
  public BlasLt(CudaContext context, Stream stream, Blas blas) {
    this(context, stream, blas.workspace(), context.blasLt().create());
  }

  private BlasLt(CudaContext context, Stream stream, DeviceBuffer workspace, Handle handle) {
    super(context, 0);
    this.stream = stream;
    this.workspace = workspace;
    this.handle = handle;
  }

  /**
   * A matrix product on the stream.
   *
   * @return whether cublasLt has an algorithm for it; if not, nothing is done
   */
  public boolean multiply(LtCall call) {
    CudaBlasLt lt = context().blasLt();
    Handle plan = plans.computeIfAbsent(Shape.of(call), shape -> plan(lt, call)).orElse(null);
    if (plan == null) {
      return false;
    }
    lt.multiply(handle, plan, call, workspace.address(), workspace.bytes(), stream.handle());
    return true;
  }

  private Optional<Handle> plan(CudaBlasLt lt, LtCall call) {
    boolean slope = call.epilogue() == LtEpilogue.DGELU;
    long bytes = slope ? Math.min(DGELU_BYTES, workspace.bytes()) : workspace.bytes();
    return Optional.ofNullable(lt.plan(handle, call, bytes));
  }

  @Override
  void release(CudaDriver driver) {
    CudaBlasLt lt = context().blasLt();
    plans.values().forEach(plan -> plan.ifPresent(lt::destroyPlan));
    lt.destroy(handle);
  }
}
