/**
 * What a device offers: memory, and the operations of a GPT step. Each operation has its own file
 * {@code FooOp} with its contract, checks and cost.
 *
 * <p>Public interface for callers. Programs may implement their own backend, but operations may be
 * added without notice.
 */
package dev.culebra.backend;
