/**
 * Text to tokens and back, in memory. Imports nothing else of Culebra.
 *
 * <p>Public interface. {@link dev.culebra.text.Tokenizer} is open: a program may bring its own.
 */
package dev.culebra.text;
