package dev.culebra.backend.cpu;

/**
 * One input of a matrix product, a row-major matrix in memory whose depth K runs either along its
 * rows or down its columns. Reused for every product, so that a product allocates nothing.
 */
final class GemmOperand {
  private WeightRows compact;
  private long address;
  private long stride;
  private boolean depthIsInner;

  /** A stored matrix (outer, depth): its rows are the rows of A, or the columns of B. */
  GemmOperand depthInner(long address, int depth) {
    return set(address, depth, true);
  }

  /** A stored matrix (depth, outer): its columns are the rows of A, or the columns of B. */
  GemmOperand depthOuter(long address, int outer) {
    return set(address, outer, false);
  }

  /** A stored matrix (outer, depth) of fewer bits. */
  GemmOperand depthInner(WeightRows rows) {
    compact = rows;
    return this;
  }

  private GemmOperand set(long address, int columns, boolean depthIsInner) {
    compact = null;
    this.address = address;
    this.stride = 4L * columns;
    this.depthIsInner = depthIsInner;
    return this;
  }

  /**
   * Packs {@code count} rows of A (or columns of B) from {@code first} on, and {@code depth} of the
   * depth from {@code k} on, into a panel of the given width.
   *
   * @param scratch {@link GemmKernel#SCRATCH} bytes
   */
  void pack(
      GemmKernel kernel,
      long panel,
      int width,
      int first,
      int count,
      int k,
      int depth,
      long scratch) {
    if (compact != null) {
      long widened = compact.widen(first, count, k, depth);
      kernel.packAcross(panel, width, widened, 4L * depth, count, depth, scratch);
    } else if (depthIsInner) {
      kernel.packAcross(
          panel, width, address + first * stride + 4L * k, stride, count, depth, scratch);
    } else {
      kernel.packAlong(panel, width, address + k * stride + 4L * first, stride, count, depth);
    }
  }
}
