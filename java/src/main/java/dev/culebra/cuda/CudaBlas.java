package dev.culebra.cuda;

/**
 * The part of cuBLAS that Culebra uses; one implementation per {@link Binding}. Calls throw {@link
 * CudaException} if cuBLAS reports an error.
 */
public interface CudaBlas {
  /** CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION. */
  int MATH_MODE = 16;

  /**
   * Starts cuBLAS in the current context, set to add partial sums in single precision; to be
   * destroyed.
   */
  Handle create();

  void destroy(Handle blas);

  /** Version: 10000 · major + 100 · minor + patch. */
  int version(Handle blas);

  /** Later products go to this stream. */
  void setStream(Handle blas, Handle stream);

  /**
   * Sets cuBLAS's workspace, after the stream: with cuBLAS's own workspace, captured graphs could
   * not be replayed concurrently.
   */
  void setWorkspace(Handle blas, long address, long bytes);

  /** A matrix product on the stream. */
  void gemm(Handle blas, GemmCall call);

  /** Several matrix products of one shape on the stream. */
  void gemmBatch(Handle blas, GemmBatch batch);
}
