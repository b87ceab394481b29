/**
 * Measurements on an NVIDIA GPU: what it can do, what each operation and a whole step make of it.
 */
package dev.culebra.bench.gpu;
