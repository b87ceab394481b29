package dev.culebra.cuda;

/**
 * An object of the driver or of cuBLAS: an address with FFM, a Java object with JCuda. Opaque: it
 * goes back to the provider that it came from.
 */
public interface Handle {}
