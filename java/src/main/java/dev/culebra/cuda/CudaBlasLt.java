package dev.culebra.cuda;

/**
 * The part of cublasLt that Culebra uses: cuBLAS's products with epilogues. Calls throw {@link
 * CudaException} if it reports an error.
 */
public interface CudaBlasLt {
  /** Starts cublasLt in the current context; to be destroyed. */
  Handle create();

  void destroy(Handle lt);

  /**
   * Describes a product and lets cublasLt choose an algorithm: the one it considers the fastest,
   * the same in every run. The plan is also valid for other addresses and another beta.
   *
   * @param workspaceBytes limit of the workspace
   * @return the plan, to be destroyed, or null if cublasLt has no algorithm
   */
  Handle plan(Handle lt, LtCall call, long workspaceBytes);

  void destroyPlan(Handle plan);

  /** A matrix product on the stream, using a plan for such a call. */
  void multiply(
      Handle lt, Handle plan, LtCall call, long workspace, long workspaceBytes, Handle stream);
}
