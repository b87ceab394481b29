package dev.culebra.cuda;

/** A stream of either binding: cuBLAS through FFM takes those of JCuda, too. */
interface StreamHandle extends Handle {
  /** The driver's pointer. */
  long address();
}
