/**
 * Tokens to batches: where text comes from ({@link dev.culebra.data.Corpora}), its tokens in memory
 * or in a file ({@link dev.culebra.data.Tokens}), and the choice of contexts ({@link
 * dev.culebra.data.BatchSampler}, {@link dev.culebra.data.SequentialBatches}).
 *
 * <p>Public interface. {@link dev.culebra.data.Dataset} is open: a program may bring its own, and
 * give it a name ({@link dev.culebra.data.NamedDatasets}).
 */
package dev.culebra.data;
