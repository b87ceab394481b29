/**
 * Counter-based random numbers, equal on every device.
 *
 * <p>Public interface. The numbers of a (seed, stream, position) never change; which streams are
 * taken, and what is promised of determinism, stands in {@code java/README.md}.
 */
package dev.culebra.random;
