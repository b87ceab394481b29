/**
 * Optimizers and learning rates: AdamW, Muon, gradient clipping, schedules.
 *
 * <p>Public interface. {@link dev.culebra.optim.Optimizer} is open: programs may implement their
 * own.
 */
package dev.culebra.optim;
