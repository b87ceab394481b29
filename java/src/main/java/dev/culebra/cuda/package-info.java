/**
 * Access to CUDA: the driver and cuBLAS, through the Foreign Function and Memory API or JCuda.
 *
 * <p>Public interface, for programs that launch their own kernels.
 */
package dev.culebra.cuda;
