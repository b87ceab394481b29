/**
 * What this machine has for CUDA: the driver, seen through the Foreign Function and Memory API.
 *
 * <p>Public interface, for programs that launch kernels of their own.
 */
package dev.culebra.cuda;
