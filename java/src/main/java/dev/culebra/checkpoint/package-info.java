/**
 * The files of a run: weights and optimizer state as safetensors, the logs of metrics and samples.
 *
 * <p>Public interface. What the files promise stands in {@code java/README.md}.
 */
package dev.culebra.checkpoint;
