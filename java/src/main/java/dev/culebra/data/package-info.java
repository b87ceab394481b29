/**
 * From text to batches: sources of text ({@link dev.culebra.data.Corpora}), tokens in memory or in
 * a file ({@link dev.culebra.data.Tokens}), and the choice of contexts ({@link
 * dev.culebra.data.BatchSampler}, {@link dev.culebra.data.SequentialBatches}).
 *
 * <p>Public interface. {@link dev.culebra.data.Dataset} is open: programs may implement their own,
 * and name them ({@link dev.culebra.data.NamedDatasets}).
 */
package dev.culebra.data;
