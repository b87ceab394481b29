/**
 * The loop that makes a model of data: batches, steps, evaluations, checkpoints. Nothing imports it
 * but programs.
 *
 * <p>Public interface. {@link dev.culebra.train.Trainer} takes any model, dataset and optimizer;
 * {@link dev.culebra.train.TrainingRun} makes those that a configuration names. What is promised of
 * determinism and of a run's files stands in {@code java/README.md}.
 */
package dev.culebra.train;
