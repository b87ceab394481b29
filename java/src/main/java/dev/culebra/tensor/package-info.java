/**
 * Storage and shape of numbers, without arithmetic.
 *
 * <p>Public interface.
 */
package dev.culebra.tensor;
