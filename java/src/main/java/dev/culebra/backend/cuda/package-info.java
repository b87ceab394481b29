/**
 * NVIDIA GPUs: {@code FooCuda} is the operation {@code FooOp}; it knows the names of the kernels in
 * {@code cuda-kernels/foo.cu} and how to launch them. Matrix products are cuBLAS's. All work goes
 * to one stream, in order.
 *
 * <p>Public interface: the backend and how it is configured; all else is hidden.
 */
package dev.culebra.backend.cuda;
