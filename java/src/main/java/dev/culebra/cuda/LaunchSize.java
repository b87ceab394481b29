package dev.culebra.cuda;

/**
 * How many blocks of how many threads a kernel is launched with.
 *
 * @param gridX blocks, of which there may be most along x
 * @param gridY at most 65535
 * @param gridZ at most 65535
 * @param blockX threads of a block
 * @param blockY threads of a block
 * @param sharedBytes dynamic shared memory of a block
 */
public record LaunchSize(int gridX, int gridY, int gridZ, int blockX, int blockY, int sharedBytes) {

  /** A row of blocks, each a row of threads. */
  public static LaunchSize flat(long blocks, int threads) {
    return new LaunchSize(Math.toIntExact(blocks), 1, 1, threads, 1, 0);
  }

  /** A row of blocks, each of several rows of threads. */
  public static LaunchSize rows(long blocks, int threads, int rowsOfThreads) {
    return new LaunchSize(Math.toIntExact(blocks), 1, 1, threads, rowsOfThreads, 0);
  }

  /** The same blocks in a grid of {@code x} times {@code y}. */
  public LaunchSize grid(int x, int y) {
    return new LaunchSize(x, y, 1, blockX, blockY, sharedBytes);
  }
}
