/** An independent check: does PyTorch compute the same numbers? */
package dev.culebra.bench.oracle;
