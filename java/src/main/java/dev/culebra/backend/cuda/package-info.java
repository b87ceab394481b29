/**
 * NVIDIA GPUs: one class for each file of {@code cuda-kernels/}, which knows the names of its
 * entries and how to launch them, and matrix products by cuBLAS. All work goes to one stream, in
 * order.
 *
 * <p>Public interface: the backend and how it is configured; all else is hidden.
 */
package dev.culebra.backend.cuda;
