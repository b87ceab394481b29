package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** {@link GemmKernel} as plain loops. */
final class ScalarGemmKernel implements GemmKernel {
  private static final int COLUMNS = 32;

  @Override
  public int columns() {
    return COLUMNS;
  }

  @Override
  public void tile(long c, long cStride, long a, long b, int depth) {
    for (int r = 0; r < ROWS; r++) {
      for (int j = 0; j < COLUMNS; j++) {
        put(c + r * cStride + 4L * j, 0);
      }
    }
    for (int k = 0; k < depth; k++) {
      for (int r = 0; r < ROWS; r++) {
        float x = get(a + 4L * r);
        for (int j = 0; j < COLUMNS; j++) {
          long at = c + r * cStride + 4L * j;
          put(at, get(at) + x * get(b + 4L * j));
        }
      }
      a += 4L * ROWS;
      b += 4L * COLUMNS;
    }
  }

  @Override
  public void merge(
      long c,
      long cStride,
      long addend,
      long addendStride,
      long x,
      long xStride,
      int rows,
      int columns) {
    add(c, cStride, addend, addendStride, x, xStride, rows, columns);
  }

  /** {@link #merge}. */
  static void add(
      long c,
      long cStride,
      long addend,
      long addendStride,
      long x,
      long xStride,
      int rows,
      int columns) {
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < columns; j++) {
        put(c + 4L * j, (addend == 0 ? 0 : get(addend + 4L * j)) + get(x + 4L * j));
      }
      c += cStride;
      addend += addend == 0 ? 0 : addendStride;
      x += xStride;
    }
  }

  @Override
  public void packAlong(long panel, int width, long src, long srcStride, int count, int depth) {
    for (int k = 0; k < depth; k++) {
      for (int i = 0; i < width; i++) {
        put(panel + 4L * i, i < count ? get(src + 4L * i) : 0);
      }
      panel += 4L * width;
      src += srcStride;
    }
  }

  @Override
  public void packAcross(
      long panel, int width, long src, long srcStride, int count, int depth, long scratch) {
    transpose(panel, width, src, srcStride, count, depth);
  }

  /** {@link #packAcross}. */
  static void transpose(long panel, int width, long src, long srcStride, int count, int depth) {
    for (int i = 0; i < width; i++) {
      long to = panel + 4L * i;
      long from = src + i * srcStride;
      for (int k = 0; k < depth; k++) {
        put(to, i < count ? get(from + 4L * k) : 0);
        to += 4L * width;
      }
    }
  }

  @Override
  public void addPanelSums(long sums, long a, int rows, int depth, long scratch) {
    addSums(sums, a, rows, depth);
  }

  /** {@link #addPanelSums}. */
  static void addSums(long sums, long a, int rows, int depth) {
    for (int r = 0; r < rows; r++) {
      float sum = 0;
      for (int k = 0; k < depth; k++) {
        sum += get(a + 4L * (k * ROWS + r));
      }
      put(sums + 4L * r, get(sums + 4L * r) + sum);
    }
  }

  @Override
  public void dots(
      long out, long outStride, long x, int n, long w, int count, int length, long scratch) {
    for (int i = 0; i < count; i++) {
      long row = w + 4L * i * length;
      for (int r = 0; r < n; r++) {
        put(out + r * outStride + 4L * i, dot(x + 4L * r * length, row, 0, length, 0));
      }
    }
  }

  /** sum + Σ x[k] · w[k] over {@code from} ≤ k < {@code to}. */
  static float dot(long x, long w, int from, int to, float sum) {
    for (int k = from; k < to; k++) {
      sum = Math.fma(get(x + 4L * k), get(w + 4L * k), sum);
    }
    return sum;
  }

  private static float get(long address) {
    return ALL.get(JAVA_FLOAT, safe(address));
  }

  private static void put(long address, float value) {
    ALL.set(JAVA_FLOAT, safe(address), value);
  }
}
