/** A GPT from PyTorch's operations, through DJL: an independent engine to compare with. */
package dev.culebra.bench.pytorch;
