/** From gradients to better parameters: clipping, the learning rate's schedule, AdamW. */
package dev.culebra.optim;
