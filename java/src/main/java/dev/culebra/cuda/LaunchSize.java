package dev.culebra.cuda;

/**
 * The grid and block size of a launch.
 *
 * @param gridX blocks along x, the dimension with the highest limit
 * @param gridY at most 65535
 * @param gridZ at most 65535
 * @param blockX threads of a block along x
 * @param blockY threads of a block along y
 * @param sharedBytes dynamic shared memory of a block
 */
public record LaunchSize(int gridX, int gridY, int gridZ, int blockX, int blockY, int sharedBytes) {

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
    return new LaunchSize(x, y, 1, blockX, blockY, sharedBytes);
  }
}
