package dev.culebra.cuda;

/** JCuda and JCublas: not on every class path. */
final class JCudaBinding {
  private JCudaBinding() {}

  static Cuda open() {
    throw new CudaUnavailableException("JCuda is not on the class path");
  }
}
