/** OpenBLAS in the place of our matrix products, to know which is faster. */
package dev.culebra.bench.openblas;
