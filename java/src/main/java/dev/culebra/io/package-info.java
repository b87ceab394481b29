/**
 * Files written so that a crash, a full disk or a kill never leaves half of one behind; JSON read
 * strictly; resources closed together.
 *
 * <p>Internal: for Culebra and its command line alone, and may change at any time.
 */
package dev.culebra.io;
