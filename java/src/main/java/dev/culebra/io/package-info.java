/**
 * Files written so that a crash, a full disk or a kill never leaves half of one behind; JSON read
 * strictly; resources closed together.
 */
package dev.culebra.io;
