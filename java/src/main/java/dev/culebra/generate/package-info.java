/**
 * From a trained model to text: sampling token by token, for a GPT with a cache of keys and values.
 *
 * <p>Public interface.
 */
package dev.culebra.generate;
