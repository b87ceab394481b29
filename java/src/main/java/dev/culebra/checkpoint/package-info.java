/**
 * The files of a run: weights and optimizer state as safetensors, the logs of metrics and samples.
 *
 * <p>Public interface. {@code java/README.md} says what is promised about the files.
 */
package dev.culebra.checkpoint;
