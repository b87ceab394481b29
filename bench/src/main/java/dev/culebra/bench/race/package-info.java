/** Whole training steps of Culebra and PyTorch in alternation. */
package dev.culebra.bench.race;
