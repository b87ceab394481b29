/**
 * Storage and shape of tensors, without arithmetic.
 *
 * <p>Public interface.
 */
package dev.culebra.tensor;
