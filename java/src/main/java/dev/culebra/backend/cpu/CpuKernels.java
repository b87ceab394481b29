package dev.culebra.backend.cpu;

/**
 * The inner loops of the CPU's operations: with the Vector API, or as plain loops if this JVM lacks
 * it.
 *
 * @param rows loops over contiguous floats
 * @param gemm loops of matrix products
 * @param attention loops of attention other than its products
 * @param compact loops of products with compact weights
 * @param fallback why these are plain loops, in one line; null if they are not
 */
record CpuKernels(
    RowKernel rows,
    GemmKernel gemm,
    AttentionKernel attention,
    CompactKernel compact,
    String fallback) {
  /** The fastest loops that this JVM can run. */
  static CpuKernels best() {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return plain("start java with --add-modules jdk.incubator.vector");
    }
    try {
      RowKernel rows = new VectorRowKernel();
      boolean quarters = rows.vectorBits() >= VectorCompactKernel.LEAST_BITS;
      return new CpuKernels(
          rows,
          new VectorGemmKernel(),
          new VectorAttentionKernel(),
          quarters ? new VectorCompactKernel() : new ScalarCompactKernel(),
          null);
    } catch (LinkageError e) { // an incubating API may change between JDKs
      return plain(
          "the Vector API of Java %s is incompatible: %s"
              .formatted(Runtime.version().feature(), e));
    }
  }

  private static CpuKernels plain(String fallback) {
    return new CpuKernels(
        new ScalarRowKernel(),
        new ScalarGemmKernel(),
        new ScalarAttentionKernel(),
        new ScalarCompactKernel(),
        fallback);
  }
}
