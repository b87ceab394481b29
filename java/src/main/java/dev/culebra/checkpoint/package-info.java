/** The files of a run: weights and optimizer state as safetensors, and the log of metrics. */
package dev.culebra.checkpoint;
