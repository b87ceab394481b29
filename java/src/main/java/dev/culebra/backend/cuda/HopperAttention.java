package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code attention_hopper_forward.cu} and {@code attention_hopper_backward.cu}: BF16 heads
 * of 64 and 128 columns without dropout, on compute capability 9.0. Blocks are persistent: there is
 * one for each multiprocessor, and each takes one piece of work after another.
 */
final class HopperAttention implements AttentionPath {
  private static final int PACK_BYTES = 16;

  /** The next item, and the blocks that have finished. */
  private static final int COUNTERS = 2;

  private final Launcher launcher;
  private final AttentionPath backwardOf128;

  /**
   * @param backwardOf128 computes backward for heads of 128 columns, for which there is no Hopper
   *     kernel
   */
  HopperAttention(Launcher launcher, AttentionPath backwardOf128) {
    this.launcher = launcher;
    this.backwardOf128 = backwardOf128;
  }

  /** Whether this GPU, its driver and this build meet the requirements. */
  static boolean runsOn(Launcher launcher) {
    return launcher.has(Forward.D64.kernel(true), DType.BF16)
        && launcher.has(Backward.PREPARE, DType.BF16);
  }

  @Override
  public boolean takes(int headSize, AttentionSpec spec, Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor.dtype() != DType.BF16 || tensor.address() % PACK_BYTES != 0) {
        return false;
      }
    }
    return spec.dropout().isNone()
        && (headSize == Forward.D64.size || headSize == Forward.D128.size);
  }

  /**
   * Block shapes, as in the kernels' source.
   *
   * <p>A ring processes items; an item is {@code rows} rows of queries of one head.
   */
  enum Forward {
    D64(64, 2, 2),
    D128(128, 3, 1);

    /** Rows per tile of keys or values, and per group of queries. */
    private static final int TILE = 64;

    private static final int WARPGROUP = 128;
    private static final int SLOTS = 4;
    private static final int HEADER_BYTES = 1024;

    /** Alignment of each ring. */
    private static final int ALIGNMENT = 1024;

    /** Bytes of keys and values that stay in the L2 cache of 50 MB along with other data. */
    private static final long CACHED_BYTES = 20_000_000;

    /** Up to this length, all items of a head are about equally long, and sets would not help. */
    private static final int TIME_WITHOUT_SETS = 512;

    private final int size;
    private final int groups;
    private final int rings;

    Forward(int size, int groups, int rings) {
      this.size = size;
      this.groups = groups;
      this.rings = rings;
    }

    static Forward of(int headSize) {
      return headSize == D64.size ? D64 : D128;
    }

    String kernel(boolean causal) {
      return "attention_hopper_forward_d" + size + (causal ? "_causal" : "_full");
    }

    int threads() {
      return (rings * groups + 1) * WARPGROUP;
    }

    int sharedBytes() {
      int tile = TILE * size * DType.BF16.bytes();
      return ALIGNMENT + rings * (HEADER_BYTES + SLOTS * 2 * tile + 2 * groups * tile);
    }

    /** One block for each multiprocessor, or fewer if there is less work. */
    int blocks(int heads, int time, int multiprocessors) {
      int rows = groups * TILE;
      long items = (long) heads * Math.ceilDiv(Math.ceilDiv(time, TILE) * TILE, rows);
      return (int) Math.min(Math.ceilDiv(items, rings), multiprocessors);
    }

    /**
     * Number of heads whose items are handed out together, longest first: as many as have their
     * keys and values in the cache, in sets of about equal size.
     */
    int headsOfSet(int heads, int time) {
      if (time <= TIME_WITHOUT_SETS) {
        return 1;
      }
      long bytesOfHead = 2L * time * size * DType.BF16.bytes();
      int most = (int) Math.clamp(CACHED_BYTES / bytesOfHead, 1, heads);
      return Math.ceilDiv(heads, Math.ceilDiv(heads, most));
    }
  }

  @Override
  public void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    Forward shape = Forward.of(AttentionCuda.headSize(out, spec.heads()));
    int batch = qkv.shape().dim(0);
    int time = qkv.shape().dim(1);
    int heads = batch * spec.heads();
    launcher
        .kernel(shape.kernel(spec.causal()), DType.BF16)
        .with(out)
        .with(logSumExp)
        .with(qkv)
        .with(launcher.counters(COUNTERS))
        .with(batch)
        .with(time)
        .with(spec.heads())
        .with(shape.headsOfSet(heads, time))
        .allowSharedMemory(shape.sharedBytes())
        .launch(
            size(
                shape.blocks(heads, time, launcher.multiprocessors()),
                shape.threads(),
                shape.sharedBytes()),
            launcher.stream());
  }

  /**
   * How the work of backward is handed out.
   *
   * @param wholeHeads whether a block processes all key blocks of a head in order, or any next key
   *     block
   * @param blocks of the launch
   * @param band heads whose key blocks are handed out together; for single key blocks only
   */
  record Backward(boolean wholeHeads, int blocks, int band) {
    static final String PREPARE = "attention_hopper_backward_prepare";

    private static final int SIZE = 64;

    /** Queries and keys per tile. */
    private static final int TILE = 128;

    private static final int THREADS = 384;
    private static final int PREPARE_THREADS = 256;

    /** Blocks of {@link #PREPARE} per tile. */
    private static final int PREPARE_BLOCKS = 2;

    /** Shared memory of the kernel: its Layout, followed by its barriers. */
    private static final int SHARED_BYTES = 215_248;

    /** Beyond this length, the sums of all blocks do not stay in the L2 cache. */
    private static final int MAX_TILES_OF_WHOLE_HEADS = 8;

    /**
     * Cost of handing out single key blocks and waiting for turns, in tiles per key block. Measured
     * on an H200: 0.36 with 8 tiles per head, 0.6 with 2.
     */
    private static final double TILES_LOST = 0.5;

    /**
     * The faster way, by the number of tiles of the busiest block.
     *
     * @param heads heads of the whole batch
     */
    static Backward plan(int heads, int time, boolean causal, int multiprocessors) {
      int tiles = tiles(time);
      double tilesOfHead = causal ? tiles * (tiles + 1) / 2.0 : (double) tiles * tiles;
      double whole = Math.ceilDiv(heads, multiprocessors) * tilesOfHead;
      double single =
          Math.max(heads * tilesOfHead / multiprocessors, tiles) * (1 + TILES_LOST / tiles);
      if (tiles <= MAX_TILES_OF_WHOLE_HEADS && whole <= single) {
        return new Backward(true, Math.min(heads, multiprocessors), 1);
      }
      int blocks = (int) Math.min((long) heads * tiles, multiprocessors);
      return new Backward(false, blocks, Math.clamp(2L * multiprocessors / (tiles + 1), 1, heads));
    }

    static int tiles(int time) {
      return Math.ceilDiv(time, TILE);
    }

    String kernel() {
      return "attention_hopper_backward_" + (wholeHeads ? "heads" : "units");
    }

    /** Number of floats of the sums of dQ. */
    long sums(int heads, int time) {
      return (long) (wholeHeads ? blocks : heads) * tiles(time) * TILE * SIZE;
    }
  }

  @Override
  public void backward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    if (AttentionCuda.headSize(out, spec.heads()) != Backward.SIZE) {
      backwardOf128.backward(dQkv, delta, dOut, out, logSumExp, qkv, spec);
      return;
    }
    int time = qkv.shape().dim(1);
    int heads = qkv.shape().dim(0) * spec.heads();
    int tiles = Backward.tiles(time);
    Backward plan = Backward.plan(heads, time, spec.causal(), launcher.multiprocessors());

    // log-sum-exp and δ with rows padded to whole tiles, then sums of dQ, then a flag per tile
    long statisticsBytes = (long) heads * tiles * Backward.TILE * Float.BYTES;
    long sumsBytes = plan.sums(heads, time) * Float.BYTES;
    long flagsBytes = plan.wholeHeads ? 0 : ((long) heads * tiles + 1) * Integer.BYTES;
    long scaledLse = launcher.workspace(2 * statisticsBytes + sumsBytes + flagsBytes);
    long paddedDelta = scaledLse + statisticsBytes;
    long sums = paddedDelta + statisticsBytes;
    long flags = plan.wholeHeads ? 0 : sums + sumsBytes;

    launcher
        .kernel(Backward.PREPARE, DType.BF16)
        .with(scaledLse)
        .with(paddedDelta)
        .with(flags)
        .with(out)
        .with(dOut)
        .with(logSumExp)
        .with(time)
        .with(spec.heads())
        .launch(
            LaunchSize.flat(
                (long) heads * tiles * Backward.PREPARE_BLOCKS, Backward.PREPARE_THREADS),
            launcher.stream());
    launcher
        .kernel(plan.kernel(), DType.BF16)
        .with(dQkv)
        .with(qkv)
        .with(dOut)
        .with(scaledLse)
        .with(paddedDelta)
        .with(sums)
        .with(flags)
        .with(time)
        .with(spec.heads())
        .with(heads)
        .with(spec.causal() ? 1 : 0)
        .with(plan.band)
        .allowSharedMemory(Backward.SHARED_BYTES)
        .launch(size(plan.blocks, Backward.THREADS, Backward.SHARED_BYTES), launcher.stream());
  }

  private static LaunchSize size(int blocks, int threads, int sharedBytes) {
    return new LaunchSize(blocks, 1, 1, threads, 1, sharedBytes);
  }
}
