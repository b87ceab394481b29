package dev.culebra.cuda;

/** How Java calls CUDA. */
public enum Binding {
  /** {@link #FFM}. */
  AUTO,
  /** Java's Foreign Function and Memory API: CUDA 12 or newer. */
  FFM,
  /** JCuda and JCublas 12.6, which need cuBLAS 12. */
  JCUDA
}
