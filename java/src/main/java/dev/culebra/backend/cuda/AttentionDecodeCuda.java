package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionDecodeOp;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code attention_decode.cu}: fills the cache of keys and values, and attends from one
 * token to it.
 */
final class AttentionDecodeCuda extends AttentionDecodeOp {
  /** Positions that the lanes of one pack of a head cover in a block: 4 warps, 4 steps. */
  private static final int POSITIONS_OF_A_LANE = 16;

  private static final int THREADS = 128;
  private static final int ANY_LANES = 32;

  /** The maximum and the sum of a partial softmax, before its output. */
  private static final int PARTIAL_HEADER = 2;

  private static final int CACHE_THREADS = 256;
  private static final int CACHE_ROWS = 4;

  private final Launcher launcher;

  AttentionDecodeCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runCacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads) {
    int rows = Launcher.rows(qkv);
    int width = Launcher.columns(keys);
    int size = Launcher.columns(qkv) / (3 * heads);
    int pack = Launcher.packOf(size, keys, values, qkv);
    launcher
        .kernel("cache_keys_values", qkv.dtype())
        .with(keys)
        .with(values)
        .with(qkv)
        .with(rows)
        .with(qkv.shape().dim(1))
        .with(keys.shape().dim(1))
        .with(width)
        .with(groupSize(keys, size, heads))
        .with(size)
        .launch(
            Launcher.rowBlocks(rows, width, pack, CACHE_THREADS, CACHE_ROWS, Integer.MAX_VALUE),
            launcher.stream());
  }

  @Override
  protected void runForward(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    int size = AttentionCuda.headSize(out, heads);
    int group = groupSize(keys, size, heads);
    int batch = keys.shape().dim(0);
    int capacity = keys.shape().dim(1);
    int pack = Launcher.packOf(size, keys, values, qkv);
    int sizeOfInstance = size <= 32 ? 32 : size <= 64 ? 64 : 128;
    int lanes = pack == 1 ? ANY_LANES : sizeOfInstance / pack;
    int positions = POSITIONS_OF_A_LANE * Launcher.WARP / lanes;
    int blocks = Math.ceilDiv(capacity, positions);
    long partial = (PARTIAL_HEADER + size) * (long) Float.BYTES;
    String kernel = "attention_decode_" + (pack == 1 ? "any" : "d" + sizeOfInstance);
    boolean overlapped = launcher.overlaps(kernel, qkv.dtype());
    launcher
        .kernel(kernel, qkv.dtype(), overlapped)
        .with(out)
        .with(keys)
        .with(values)
        .with(qkv)
        .with(position)
        .with(launcher.workspace(partial * blocks * batch * heads))
        .with(launcher.counters(batch * (heads / group)))
        .with(heads)
        .with(group)
        .with(size)
        .with(capacity)
        .launch(
            new LaunchSize(blocks, heads / group, batch, THREADS, 1, 0).overlapped(overlapped),
            launcher.stream());
  }

  /** The number of heads that share a key of the cache. */
  private static int groupSize(Tensor keys, int size, int heads) {
    return heads * size / Launcher.columns(keys);
  }
}
