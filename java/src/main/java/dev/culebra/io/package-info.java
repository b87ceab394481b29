/**
 * Files written so that a crash, a full disk or a kill never leaves half of one behind, and read so
 * that what is wrong with them is noticed.
 */
package dev.culebra.io;
