package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code attention_hopper_forward.cu} and {@code attention_hopper_backward.cu}: BF16 heads
 * of 64 and 128 columns without dropout, on compute capability 9.0. Blocks stay: there is one for
 * each multiprocessor, and work is dealt out to them.
 */
final class HopperAttention implements AttentionPath {
  private static final int PACK_BYTES = 16;

  private final Launcher launcher;
  private final AttentionPath backwardOf128;

  /**
   * @param backwardOf128 computes backward of heads of 128 columns, which has no kernel here
   */
  HopperAttention(Launcher launcher, AttentionPath backwardOf128) {
    this.launcher = launcher;
    this.backwardOf128 = backwardOf128;
  }

  /** Whether this GPU, its driver and this build have what it needs. */
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
   * The shapes of blocks, as in the kernels' source.
   *
   * <p>A ring works through items, which are the queries of {@code rows} rows of one head.
   */
  enum Forward {
    D64(64, 2, 2),
    D128(128, 3, 1);

    /** Rows of a tile of keys or values, and of a group of queries. */
    private static final int TILE = 64;

    private static final int WARPGROUP = 128;
    private static final int SLOTS = 4;
    private static final int HEADER_BYTES = 1024;

    /** So that each ring begins at a multiple of that. */
    private static final int ALIGNMENT = 1024;

    /** Keys and values that stay in the L2 cache, of 50 MB, beside what else comes by. */
    private static final long CACHED_BYTES = 20_000_000;

    /** Up to here all items of a head are about as long as its first, and sets would do nothing. */
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

    /** One for each multiprocessor, unless there is less to do. */
    int blocks(int heads, int time, int multiprocessors) {
      int rows = groups * TILE;
      long items = (long) heads * Math.ceilDiv(Math.ceilDiv(time, TILE) * TILE, rows);
      return (int) Math.min(Math.ceilDiv(items, rings), multiprocessors);
    }

    /**
     * Heads whose items are dealt out together, longest first: as many as the cache keeps the keys
     * and values of, in sets of about equal sizes.
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
        .with(launcher.counters())
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
   * How backward is dealt out.
   *
   * @param wholeHeads whether a block does all key blocks of a head, one after the other, or
   *     whichever comes next
   * @param blocks of the launch
   * @param band heads whose key blocks are handed out together; for single key blocks only
   */
  record Backward(boolean wholeHeads, int blocks, int band) {
    static final String PREPARE = "attention_hopper_backward_prepare";

    private static final int SIZE = 64;

    /** Queries, and keys, of a tile. */
    private static final int TILE = 128;

    private static final int THREADS = 384;
    private static final int PREPARE_THREADS = 256;

    /** Blocks of {@link #PREPARE} for each tile. */
    private static final int PREPARE_BLOCKS = 2;

    /** What the kernel lays out in shared memory: its Layout and, behind it, its barriers. */
    private static final int SHARED_BYTES = 215_248;

    /** With more, the sums of all blocks do not stay in the L2 cache. */
    private static final int MAX_TILES_OF_WHOLE_HEADS = 8;

    /**
     * What handing out single key blocks and waiting for turns costs, in tiles for each key block.
     * Measured on an H200: 0.36 with 8 tiles a head, 0.6 with 2.
     */
    private static final double TILES_LOST = 0.5;

    /**
     * The faster way, in tiles of the block that has most to do.
     *
     * @param heads of the whole batch
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

    /** Floats of the sums of dQ. */
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

    // log-sum-exp and δ with rows up to a whole tile, then sums of dQ, then flags of each tile
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
