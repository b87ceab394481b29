/**
 * Text from a trained model: samples token by token, with a cache of keys and values for a GPT.
 *
 * <p>Public interface.
 */
package dev.culebra.generate;
