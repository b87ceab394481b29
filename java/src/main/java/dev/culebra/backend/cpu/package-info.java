/**
 * The CPU backend: {@code FooCpu} is the operation {@code FooOp}.
 *
 * <p>Public interface: the backend; everything else is package-private.
 */
package dev.culebra.backend.cpu;
