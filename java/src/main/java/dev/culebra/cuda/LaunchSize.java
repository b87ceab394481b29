package dev.culebra.cuda;

/**
 * The grid and block size of a launch, and how it is ordered.
 *
 * @param gridX blocks along x, the dimension with the highest limit
 * @param gridY at most 65535
 * @param gridZ at most 65535
 * @param blockX threads of a block along x
 * @param blockY threads of a block along y
 * @param sharedBytes dynamic shared memory of a block
 * @param overlapped whether the kernel can begin before the one before it in the stream has ended,
 *     for which it waits by itself, and writes no weights ({@code cuda-kernels/order.cuh}). It
 *     begins in order if that one is not overlapped, or if the binding cannot launch it so
 */
public record LaunchSize(
    int gridX, int gridY, int gridZ, int blockX, int blockY, int sharedBytes, boolean overlapped) {

  /** A launch in the usual order. */
  public LaunchSize(int gridX, int gridY, int gridZ, int blockX, int blockY, int sharedBytes) {
    this(gridX, gridY, gridZ, blockX, blockY, sharedBytes, false);
  }

  /** A one-dimensional grid of one-dimensional blocks. */
  public static LaunchSize flat(long blocks, int threads) {
    return new LaunchSize(Math.toIntExact(blocks), 1, 1, threads, 1, 0);
  }

  /** A one-dimensional grid of two-dimensional blocks. */
  public static LaunchSize rows(long blocks, int threads, int rowsOfThreads) {
    return new LaunchSize(Math.toIntExact(blocks), 1, 1, threads, rowsOfThreads, 0);
  }

  /** The same blocks in a grid of {@code x} × {@code y}. */
  public LaunchSize grid(int x, int y) {
    return new LaunchSize(x, y, 1, blockX, blockY, sharedBytes, overlapped);
  }

  /** The same launch, overlapped or not. */
  public LaunchSize overlapped(boolean overlapped) {
    return new LaunchSize(gridX, gridY, gridZ, blockX, blockY, sharedBytes, overlapped);
  }
}
