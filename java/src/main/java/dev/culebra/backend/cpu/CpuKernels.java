package dev.culebra.backend.cpu;

/**
 * The inner loops of the CPU's operations, all of one kind: with the Vector API, or plain ones
 * where this JVM does not have it.
 *
 * @param rows over contiguous floats
 * @param gemm of matrix products
 * @param attention of attention, beside its products
 * @param fallback why these are plain loops, in one line for people; null where they are not
 */
record CpuKernels(RowKernel rows, GemmKernel gemm, AttentionKernel attention, String fallback) {
  /** The fastest that this JVM can run. */
  static CpuKernels best() {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return plain("start java with --add-modules jdk.incubator.vector");
    }
    try {
      return new CpuKernels(
          new VectorRowKernel(), new VectorGemmKernel(), new VectorAttentionKernel(), null);
    } catch (LinkageError e) { // an incubating API may change from one JDK to the next
      return plain(
          "the Vector API of Java %s is another one: %s".formatted(Runtime.version().feature(), e));
    }
  }

  private static CpuKernels plain(String fallback) {
    return new CpuKernels(
        new ScalarRowKernel(), new ScalarGemmKernel(), new ScalarAttentionKernel(), fallback);
  }
}
