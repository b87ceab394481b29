/**
 * Measurements on an NVIDIA GPU: its capability, and how much of it each operation and a whole step
 * use.
 */
package dev.culebra.bench.gpu;
