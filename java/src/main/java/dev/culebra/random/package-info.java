/** Counter-based random numbers, equal on every device. */
package dev.culebra.random;
