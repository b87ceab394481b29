/**
 * Files written so that a crash, a full disk or a kill never leaves half of one behind; resources
 * closed together.
 */
package dev.culebra.io;
