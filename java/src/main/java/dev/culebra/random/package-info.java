/**
 * Counter-based random numbers, equal on every device.
 *
 * <p>Public interface. The numbers of a (seed, stream, position) never change; {@code
 * java/README.md} lists the streams in use and says what is promised about determinism.
 */
package dev.culebra.random;
