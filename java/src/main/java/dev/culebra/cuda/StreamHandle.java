package dev.culebra.cuda;

/** A stream, whoever made it: cuBLAS through FFM takes those of JCuda, too. */
interface StreamHandle extends Handle {
  /** The driver's pointer. */
  long address();
}
