/**
 * Counter-based random numbers, equal on every device.
 *
 * <p>Public interface. The numbers of a (seed, stream, position) never change.
 */
package dev.culebra.random;
