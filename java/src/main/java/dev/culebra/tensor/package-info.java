/** Storage and shape of numbers, without arithmetic. */
package dev.culebra.tensor;
