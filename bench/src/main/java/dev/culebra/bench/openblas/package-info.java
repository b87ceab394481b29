/** OpenBLAS in place of our matrix products, to find out which is faster. */
package dev.culebra.bench.openblas;
