package dev.culebra.cuda;

/**
 * An object of the driver or of cuBLAS: an address with FFM, a Java object with JCuda. Opaque: only
 * the binding that returned it can use it.
 */
public interface Handle {}
