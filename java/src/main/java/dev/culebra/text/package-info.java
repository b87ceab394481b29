/**
 * Converts text to tokens and back, in memory. Imports no other package of Culebra.
 *
 * <p>Public interface. {@link dev.culebra.text.Tokenizer} is open: programs may implement their
 * own.
 */
package dev.culebra.text;
