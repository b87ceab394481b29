/**
 * The loop that makes a model of text: batches, steps, evaluations, checkpoints. Nothing imports it
 * but programs.
 */
package dev.culebra.train;
