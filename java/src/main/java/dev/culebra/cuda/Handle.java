package dev.culebra.cuda;

/**
 * An object that the driver or cuBLAS gave out: an address to one provider, an object to another.
 * Opaque: it goes back to the provider that it came from.
 */
public interface Handle {}
