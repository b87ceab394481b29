/** Files written so that a crash, a full disk or a kill never leaves half of one behind. */
package dev.culebra.io;
