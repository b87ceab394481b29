package dev.culebra.cuda;

/**
 * What Culebra uses of cuBLAS; one implementation a {@link Binding}. Calls throw {@link
 * CudaException} where cuBLAS reports an error.
 */
public interface CudaBlas {
  /** CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION. */
  int MATH_MODE = 16;

  /**
   * Starts cuBLAS in the current context, such that it adds parts of a sum in single precision; to
   * be destroyed.
   */
  Handle create();

  void destroy(Handle blas);

  /** Version: 10000 · major + 100 · minor + patch. */
  int version(Handle blas);

  /** Products go to this stream from now on. */
  void setStream(Handle blas, Handle stream);

  /**
   * Memory for cuBLAS to work in, to be set after the stream: with memory of its own a captured
   * graph could not be replayed beside another.
   */
  void setWorkspace(Handle blas, long address, long bytes);

  /** A matrix product on the stream. */
  void gemm(Handle blas, GemmCall call);

  /** Several matrix products of one shape on the stream. */
  void gemmBatch(Handle blas, GemmBatch batch);
}
