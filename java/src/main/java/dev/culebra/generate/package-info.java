/** From a trained model to text: sampling token by token with a cache of keys and values. */
package dev.culebra.generate;
