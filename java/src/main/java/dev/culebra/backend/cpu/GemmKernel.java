package dev.culebra.backend.cpu;

/**
 * The inner loops of matrix multiplication, on absolute addresses of floats: {@code
 * VectorGemmKernel} with the Vector API, {@link ScalarGemmKernel} as plain loops. {@link Gemm}
 * checks the operands once and splits the work; nothing is checked again here.
 *
 * <p>The output is computed in tiles of {@link #ROWS} × {@link #columns} numbers that stay in
 * registers during the loop over the depth K. Both operands are packed first, so that a step in K
 * reads adjacent numbers:
 *
 * <pre>
 *   panel of A: depth × ROWS      a[k][r]
 *   panel of B: depth × columns   b[k][j]
 * </pre>
 *
 * <p>Every output is a sum over k in ascending order in any tile, so splitting the output
 * differently does not change a bit. Stateless and thread-safe.
 */
interface GemmKernel {
  /** Rows of a tile: with two vectors per row, 24 of AVX-512's 32 registers hold sums. */
  int ROWS = 12;

  /** Bytes of scratch memory that a method may use. */
  int SCRATCH = 1024;

  /** Columns of a tile. */
  int columns();

  /**
   * c[r][j] = Σ a[k][r] · b[k][j], a whole tile.
   *
   * @param cStride bytes between rows of c
   */
  void tile(long c, long cStride, long a, long b, int depth);

  /**
   * c[r][j] = addend[r][j] + x[r][j]. It works along rows, so that an addend in main memory is read
   * as streams.
   *
   * @param cStride bytes between rows of c
   * @param addend 0 for none
   * @param addendStride bytes between rows of the addend, 0 to add the same row everywhere
   * @param xStride bytes between rows of x
   */
  void merge(
      long c,
      long cStride,
      long addend,
      long addendStride,
      long x,
      long xStride,
      int rows,
      int columns);

  /**
   * panel[k][i] = src[k][i] for i below {@code count}, anything from there to {@code width}. The
   * operand is stored with the depth as its rows.
   *
   * @param width ROWS or columns
   * @param srcStride bytes between rows of src
   */
  void packAlong(long panel, int width, long src, long srcStride, int count, int depth);

  /**
   * panel[k][i] = src[i][k] for i below {@code count}, anything from there to {@code width}. The
   * operand is stored with the depth as its columns.
   *
   * @param scratch {@link #SCRATCH} bytes
   */
  void packAcross(
      long panel, int width, long src, long srcStride, int count, int depth, long scratch);

  /**
   * sums[r] += Σ a[k][r] over a panel of A, for r below {@code rows}.
   *
   * @param scratch {@link #SCRATCH} bytes
   */
  void addPanelSums(long sums, long a, int rows, int depth, long scratch);

  /**
   * out[r][i] = x[r] · w[i], for {@code n} rows x and {@code count} rows w of {@code length} floats
   * that follow each other without gaps. The bits of a product do not depend on n and count.
   *
   * @param outStride bytes between rows of out
   * @param scratch {@link #SCRATCH} bytes
   */
  void dots(long out, long outStride, long x, int n, long w, int count, int length, long scratch);
}
