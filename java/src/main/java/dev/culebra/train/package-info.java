/**
 * Training: batches, steps, evaluations, checkpoints. Only programs import this package.
 *
 * <p>Public interface. {@link dev.culebra.train.Trainer} takes any model, dataset and optimizer;
 * {@link dev.culebra.train.TrainingRun} creates those that a configuration names. {@code
 * java/README.md} says what is promised about determinism and a run's files.
 */
package dev.culebra.train;
