/**
 * NVIDIA GPUs: {@code FooCuda} is the operation {@code FooOp}; it launches the kernels in {@code
 * cuda-kernels/foo.cu}. Matrix products use cuBLAS. All work goes to one stream, in order.
 *
 * <p>Public interface: the backend and its configuration; everything else is package-private.
 */
package dev.culebra.backend.cuda;
