/**
 * The CPU backend: {@code FooCpu} is the operation {@code FooOp}.
 *
 * <p>Public interface: the backend; all else is hidden.
 */
package dev.culebra.backend.cpu;
