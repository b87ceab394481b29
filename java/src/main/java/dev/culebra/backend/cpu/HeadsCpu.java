package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;

import dev.culebra.backend.HeadsOp;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Prepares queries, keys and values for attention: normalises, scales, rotates and repeats them.
 * Each part of the rows has its own sums of the scales' gradients, which are added in order at the
 * end. Allocates nothing once it has seen the last position. One thread at a time.
 */
final class HeadsCpu extends HeadsOp {
  /** Floats of {@code qkv} per part of the rows. */
  private static final int PART = 16 * 1024;

  /** Sums per part: the gradients of both scales, and of a bias that is not used. */
  private static final int SUMS = 3;

  private static final int QUERY_SUM = 0;
  private static final int KEY_SUM = 1;
  private static final int UNUSED_SUM = 2;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final AttentionKernel dots;
  private final RotationTable rotations;
  private final ScratchMemory[] sums;
  private final ScratchMemory[] lanes;
  private final ScratchMemory scaleSums;

  /** The start of sums: new memory is 0 and is never written. */
  private final ScratchMemory zeros;

  private final WorkerPool.Task forwardRows = this::forwardRows;
  private final WorkerPool.Task backwardRows = this::backwardRows;
  private HeadsSpec spec;
  private long qkv;
  private long in;
  private long dIn;
  private long queryScale;
  private long keyScale;
  private long zeroRow;
  private long sumsOfParts;
  private int rows;
  private int time;
  private int start;
  private int size;
  private int rowsPerPart;

  HeadsCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    dots = kernels.attention();
    rotations = new RotationTable(pool.scratch());
    sums = pool.scratchOfEach();
    lanes = pool.scratchOfEach();
    scaleSums = pool.scratch();
    zeros = pool.scratch();
  }

  @Override
  protected void runForward(
      Tensor qkv, Tensor in, Tensor queryScale, Tensor keyScale, Tensor offset, HeadsSpec spec) {
    set(qkv, in, queryScale, keyScale, offset == null ? 0 : offset.getInt(0), spec);
    pool.run(forwardRows, parts());
  }

  @Override
  protected void runBackward(
      Tensor dIn,
      Tensor dQueryScale,
      Tensor dKeyScale,
      Tensor dQkv,
      Tensor in,
      Tensor queryScale,
      Tensor keyScale,
      HeadsSpec spec) {
    set(dQkv, in, queryScale, keyScale, 0, spec);
    this.dIn = RawMemory.address(dIn);
    if (queryScale == null) {
      pool.run(backwardRows, parts());
      return;
    }
    zeroRow = zeros.floats((long) SUMS * size);
    sumsOfParts = scaleSums.floats((long) SUMS * size * parts());
    pool.run(backwardRows, parts());
    long toQuery = RawMemory.address(dQueryScale);
    long toKey = RawMemory.address(dKeyScale);
    for (int part = 0; part < parts(); part++) {
      kernels.add(toQuery, toQuery, sum(part, QUERY_SUM), size);
      kernels.add(toKey, toKey, sum(part, KEY_SUM), size);
    }
  }

  private void set(
      Tensor qkv, Tensor in, Tensor queryScale, Tensor keyScale, int start, HeadsSpec spec) {
    if (start < 0) {
      throw new IllegalArgumentException("headsForward: position " + start + " is below 0");
    }
    this.spec = spec;
    this.qkv = RawMemory.address(qkv);
    this.in = RawMemory.address(in);
    this.queryScale = queryScale == null ? 0 : RawMemory.address(queryScale);
    this.keyScale = keyScale == null ? 0 : RawMemory.address(keyScale);
    this.start = start;
    rows = qkv.shape().rows();
    time = qkv.shape().dim(1);
    size = qkv.shape().dim(2) / (3 * spec.heads());
    rowsPerPart = Math.max(1, PART / qkv.shape().dim(2));
    if (spec.rotary()) {
      rotations.reach(spec.rotation(), size, start + time);
    }
  }

  private int parts() {
    return Math.ceilDiv(rows, rowsPerPart);
  }

  /** The address of one of a part's sums. */
  private long sum(int part, int which) {
    return sumsOfParts + 4L * size * (SUMS * (long) part + which);
  }

  private int end(int part) {
    return Math.min(rows, (part + 1) * rowsPerPart);
  }

  /**
   * The address of head {@code head} in row {@code row} of a tensor with {@code headsOfRow} heads
   * per row.
   */
  private long head(long tensor, int row, int headsOfRow, int head) {
    return tensor + 4L * size * ((long) row * headsOfRow + head);
  }

  private long packed(int row, int head) {
    return head(qkv, row, 3 * spec.heads(), head);
  }

  private void forwardRows(int part) {
    int heads = spec.heads();
    for (int r = part * rowsPerPart; r < end(part); r++) {
      for (int h = 0; h < heads; h++) {
        prepare(packed(r, h), head(in, r, spec.projected(), h), queryScale, r);
      }
      for (int g = 0; g < spec.kvHeads(); g++) {
        long key = packed(r, heads + g * spec.groupSize());
        prepare(key, head(in, r, spec.projected(), heads + g), keyScale, r);
        repeat(key);
        long value = packed(r, 2 * heads + g * spec.groupSize());
        copy(value, head(in, r, spec.projected(), heads + spec.kvHeads() + g));
        repeat(value);
      }
    }
  }

  /** Normalises, scales, then rotates a query or key. */
  private void prepare(long to, long from, long scale, int row) {
    if (scale != 0) {
      kernels.normalise(to, from, 0, inverseRoot(from), scale, 0, size);
    } else if (spec.normalised()) {
      kernels.multiply(to, from, inverseRoot(from), size);
    } else if (!spec.rotary()) {
      copy(to, from);
    }
    if (spec.rotary()) {
      turn(to, spec.normalised() ? to : from, row, 1);
    }
  }

  private void turn(long to, long from, int row, float direction) {
    int position = start + row % time;
    kernels.rotate(to, from, rotations.cos(position), rotations.sin(position), direction, size / 2);
  }

  private float inverseRoot(long head) {
    return (float) (1 / Math.sqrt(kernels.sumOfSquares(head, size) / size + spec.epsilon()));
  }

  private void copy(long to, long from) {
    MemorySegment.copy(ALL, from, ALL, to, 4L * size);
  }

  /** Fills the group that starts with {@code first}. */
  private void repeat(long first) {
    for (int i = 1; i < spec.groupSize(); i++) {
      copy(first + 4L * size * i, first);
    }
  }

  private void backwardRows(int part) {
    int heads = spec.heads();
    long sum = sums[pool.slot()].floats(size);
    if (queryScale != 0) {
      MemorySegment.copy(ALL, zeroRow, ALL, sum(part, 0), 4L * SUMS * size);
    }
    for (int r = part * rowsPerPart; r < end(part); r++) {
      for (int h = 0; h < heads; h++) {
        prepareBackward(r, h, packed(r, h), queryScale, part, QUERY_SUM);
      }
      for (int g = 0; g < spec.kvHeads(); g++) {
        sumOfGroup(sum, packed(r, heads + g * spec.groupSize()));
        prepareBackward(r, heads + g, sum, keyScale, part, KEY_SUM);
        int value = heads + spec.kvHeads() + g;
        sumOfGroup(
            head(dIn, r, spec.projected(), value), packed(r, 2 * heads + g * spec.groupSize()));
      }
    }
  }

  /**
   * Turns {@code d}, the gradient of a prepared query or key, into the gradient of the projection.
   */
  private void prepareBackward(int row, int head, long d, long scale, int part, int scaleSum) {
    long to = head(dIn, row, spec.projected(), head);
    if (spec.rotary()) {
      turn(to, d, row, -1);
    } else {
      copy(to, d);
    }
    if (scale != 0) {
      long x = head(in, row, spec.projected(), head);
      kernels.layerNormBackward(
          to,
          zeroRow,
          sum(part, scaleSum),
          sum(part, UNUSED_SUM),
          to,
          x,
          0,
          inverseRoot(x),
          scale,
          false,
          size,
          lanes[pool.slot()].floats(RowKernel.SCRATCH));
    } else if (spec.normalised()) {
      // x · r with r = 1 / √(mean x² + ε): dx = r · d − x · r³ · mean(d · x)
      long x = head(in, row, spec.projected(), head);
      float r = inverseRoot(x);
      float slope = -r * r * r * (dots.dot(to, x, size) / size);
      kernels.combine(to, to, r, x, slope, size);
    }
  }

  private void sumOfGroup(long to, long first) {
    copy(to, first);
    for (int i = 1; i < spec.groupSize(); i++) {
      kernels.add(to, to, first + 4L * size * i, size);
    }
  }
}
