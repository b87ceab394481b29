/** The independent judge: whether PyTorch computes the same numbers. */
package dev.culebra.bench.oracle;
