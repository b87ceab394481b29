/** Whole training steps, ours and PyTorch's in turn. */
package dev.culebra.bench.race;
