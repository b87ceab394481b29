package dev.culebra.backend.cpu;

/**
 * The matrix products of one head of attention on one thread, built from the register tiles of
 * {@link GemmKernel}. Addresses are absolute, strides in bytes. Not thread-safe.
 */
final class AttentionTiles {
  /** Bytes from one key to the next in a block of scores, see {@link AttentionKernel}. */
  static final long KEY_BYTES = 4L * AttentionKernel.BLOCK;

  private static final int ROWS = GemmKernel.ROWS;

  private final GemmKernel gemm;

  /** The memory for the operands. */
  final AttentionWorkspace memory;

  AttentionTiles(GemmKernel gemm, ScratchMemory memory) {
    this.gemm = gemm;
    this.memory = new AttentionWorkspace(memory);
  }

  /** Reserves memory for a head of size {@code d} over {@code t} times. */
  void reserve(int t, int d) {
    memory.reserve(t, d, gemm.columns());
  }

  /** Queries in a panel of columns. */
  int columns() {
    return gemm.columns();
  }

  /** Packs {@code count} rows of {@code depth} numbers as the left operand of {@link #scores}. */
  void packRows(long panels, long from, long stride, int count, int depth) {
    pack(panels, ROWS, from, stride, count, depth);
  }

  /** Packs {@code count} rows of {@code depth} numbers as right operands of {@link #scores}. */
  void packColumns(long panels, long from, long stride, int count, int depth) {
    pack(panels, gemm.columns(), from, stride, count, depth);
  }

  private void pack(long panels, int width, long from, long stride, int count, int depth) {
    for (int i = 0; i < count; i += width) {
      int part = Math.min(width, count - i);
      long panel = panels + 4L * i * depth;
      gemm.packAcross(panel, width, from + i * stride, stride, part, depth, memory.scratch);
    }
  }

  /** Packs {@code depth} rows of {@code length} numbers as the right operand of a product. */
  void packDepth(long panels, long from, long stride, int depth, int length) {
    int width = gemm.columns();
    for (int j = 0; j < length; j += width) {
      long panel = panels + 4L * j * depth;
      gemm.packAlong(panel, width, from + 4L * j, stride, Math.min(width, length - j), depth);
    }
  }

  /**
   * scores[key][query] = row key · column query, for the first {@code keys} rows and one panel of
   * columns.
   */
  void scores(long scores, long rows, long columns, int keys, int depth) {
    for (int key = 0; key < keys; key += ROWS) {
      int count = Math.min(ROWS, keys - key);
      long to = scores + key * KEY_BYTES;
      tile(to, KEY_BYTES, false, rows + 4L * key * depth, columns, depth, count, gemm.columns());
    }
  }

  /**
   * out[i] = Σ scores[key][i] · row key, for at most ROWS queries.
   *
   * @param scores the first query's
   * @param right packed with depth {@code packed} ≥ keys
   */
  void queriesProduct(
      long out, long stride, long scores, int queries, int keys, long right, int packed, int d) {
    gemm.packAlong(memory.panel, ROWS, scores, KEY_BYTES, queries, keys);
    product(out, stride, queries, keys, right, packed, d, false);
  }

  /**
   * out[key] = or += Σ scores[key][i] · row i, for at most ROWS keys.
   *
   * @param scores the first key's
   * @param right the row of the first query, packed with depth {@code packed}
   */
  void keysProduct(
      long out,
      long stride,
      long scores,
      int keys,
      int queries,
      long right,
      int packed,
      int d,
      boolean adds) {
    gemm.packAcross(memory.panel, ROWS, scores, KEY_BYTES, keys, queries, memory.scratch);
    product(out, stride, keys, queries, right, packed, d, adds);
  }

  /** The panel, {@code rows} rows, times {@code right}, {@code d} columns. */
  private void product(
      long out, long stride, int rows, int depth, long right, int packed, int d, boolean adds) {
    int width = gemm.columns();
    for (int j = 0; j < d; j += width) {
      long to = out + 4L * j;
      long panel = right + 4L * j * packed;
      tile(to, stride, adds, memory.panel, panel, depth, rows, Math.min(width, d - j));
    }
  }

  /** Writes or adds a tile, or a part of it. */
  private void tile(
      long to, long stride, boolean adds, long a, long b, int depth, int rows, int columns) {
    if (!adds && rows == ROWS && columns == gemm.columns()) {
      gemm.tile(to, stride, a, b, depth);
      return;
    }
    long tileStride = 4L * gemm.columns();
    gemm.tile(memory.tile, tileStride, a, b, depth);
    gemm.merge(to, stride, adds ? to : 0, stride, memory.tile, tileStride, rows, columns);
  }
}
