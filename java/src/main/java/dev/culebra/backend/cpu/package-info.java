/**
 * The CPU backend: one class an operation.
 *
 * <p>Public interface: the backend; all else is hidden.
 */
package dev.culebra.backend.cpu;
