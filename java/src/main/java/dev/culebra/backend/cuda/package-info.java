/**
 * NVIDIA GPUs: one class for each file of {@code cuda-kernels/}, which knows the names of its
 * entries and how to launch them, and matrix products by cuBLAS. All work goes to one stream, in
 * order.
 */
package dev.culebra.backend.cuda;
