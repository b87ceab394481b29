/**
 * From gradients to better parameters: clipping, the learning rate's schedule, AdamW, Muon.
 *
 * <p>Public interface. {@link dev.culebra.optim.Optimizer} is open: a program may bring its own.
 */
package dev.culebra.optim;
