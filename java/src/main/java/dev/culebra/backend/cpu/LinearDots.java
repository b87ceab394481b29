package dev.culebra.backend.cpu;

/**
 * out = in · weightᵀ + bias for a few rows, as dot products: reads the weights in place, once from
 * memory and then from the cache for each further row. A product allocates nothing. One thread at a
 * time.
 */
final class LinearDots implements WorkerPool.Task {
  /** Floats of the weights per part: 128 KB, which stay in the L2 cache from row to row. */
  private static final int PART = 32 * 1024;

  private final WorkerPool pool;
  private final GemmKernel kernel;
  private long out;
  private long in;
  private long weight;
  private long bias;
  private int n;
  private int oc;
  private int ic;
  private int outputsPerPart;

  LinearDots(WorkerPool pool, GemmKernel kernel) {
    this.pool = pool;
    this.kernel = kernel;
  }

  /** Addresses of out (n, oc), in (n, ic), weight (oc, ic), bias (oc) or 0. */
  void multiply(long out, long in, long weight, long bias, int n, int oc, int ic) {
    this.out = out;
    this.in = in;
    this.weight = weight;
    this.bias = bias;
    this.n = n;
    this.oc = oc;
    this.ic = ic;
    outputsPerPart = Math.max(1, PART / ic);
    pool.run(this, Math.ceilDiv(oc, outputsPerPart));
  }

  @Override
  public void run(int part) {
    int first = part * outputsPerPart;
    int count = Math.min(outputsPerPart, oc - first);
    long rowBytes = 4L * ic;
    for (int r = 0; r < n; r++) {
      kernel.dots(
          out + 4L * ((long) r * oc + first),
          in + r * rowBytes,
          weight + first * rowBytes,
          rowBytes,
          bias == 0 ? 0 : bias + 4L * first,
          count,
          ic);
    }
  }
}
