package dev.culebra.cuda;

/**
 * What Culebra uses of cublasLt, the part of cuBLAS whose products have epilogues. Calls throw
 * {@link CudaException} where it reports an error.
 */
public interface CudaBlasLt {
  /** Starts cublasLt in the current context; to be destroyed. */
  Handle create();

  void destroy(Handle lt);

  /**
   * Describes a product and has an algorithm chosen for it: the one that cublasLt takes for the
   * fastest, which is the same in every run. It is good for other addresses and another beta.
   *
   * @param workspaceBytes how much memory it may work in
   * @return the plan, to be destroyed, or null where cublasLt has no algorithm
   */
  Handle plan(Handle lt, LtCall call, long workspaceBytes);

  void destroyPlan(Handle plan);

  /** A matrix product on the stream, by a plan for a call like this one. */
  void multiply(
      Handle lt, Handle plan, LtCall call, long workspace, long workspaceBytes, Handle stream);
}
