package dev.culebra.cuda;

/** A stream of either binding: cuBLAS through FFM also accepts those of JCuda. */
interface StreamHandle extends Handle {
  /** The driver's pointer. */
  long address();
}
