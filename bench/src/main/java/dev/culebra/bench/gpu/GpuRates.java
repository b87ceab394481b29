package dev.culebra.bench.gpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Recording;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * The GPU's current capability, on random numbers: products of zeros are a quarter faster, since
 * they take less power.
 *
 * @param copyGbps copying its memory, read and written bytes together, in GB/s
 * @param gemmTflops a large square matrix product in the backend's dtype, in TFLOP/s
 * @param launchMicros from one launch of an empty kernel to the next, as the host sees it
 * @param graphMicros the same for a graph of one empty kernel
 */
record GpuRates(double copyGbps, double gemmTflops, double launchMicros, double graphMicros) {
  private static final int REPEATS = 7;

  /**
   * Measures all rates, each as the median of a few repeats.
   *
   * @param size rows and columns of the matrices; the copy moves eight of them
   */
  static GpuRates measure(CudaBackend backend, int size) {
    DType dtype = backend.dtype();
    Shape square = Shape.of(size, size);
    long bytes = square.elements() * dtype.bytes();
    try (Buffer buffer = backend.allocate(16 * bytes)) {
      RandomMemory.fill(backend, buffer, dtype);
      Tensor a = new Tensor(buffer, 0, dtype, square);
      Tensor b = new Tensor(buffer, bytes, dtype, square);
      Tensor c = new Tensor(buffer, 2 * bytes, dtype, square);
      double copy =
          seconds(
              backend,
              () ->
                  backend.stream().copy(buffer.address() + 8 * bytes, buffer.address(), 8 * bytes));
      double gemm =
          seconds(
              backend,
              () -> backend.ops().linear().forward(c, null, a, b, null, Activation.IDENTITY));
      Tensor one = new Tensor(buffer, 0, DType.F32, Shape.of(1));
      Runnable tiny = () -> backend.ops().elementwise().fill(one, 1);
      try (Recording recording = backend.record(tiny)) {
        return new GpuRates(
            16e-9 * bytes / copy,
            2e-12 * size * (double) size * size / gemm,
            HostClock.microsOfACall(backend::synchronize, tiny),
            HostClock.microsOfACall(backend::synchronize, recording::replay));
      }
    }
  }

  private static double seconds(CudaBackend backend, Runnable work) {
    return 1e-6 * EventClock.microsOf(backend, work, REPEATS);
  }
}
