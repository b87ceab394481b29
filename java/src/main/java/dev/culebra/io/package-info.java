/**
 * Files that a crash, a full disk or a kill never leaves half-written; strict JSON; resources that
 * are closed together.
 *
 * <p>Internal: for Culebra and its command line only; may change at any time.
 */
package dev.culebra.io;
