/**
 * What a device offers: memory and the operations of a GPT step, each in a file of its own, {@code
 * FooOp}, with its contract, its checks and what it costs.
 *
 * <p>Public interface, to be called. A backend of one's own is possible, but operations are added
 * to it without notice.
 */
package dev.culebra.backend;
