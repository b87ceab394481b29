package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;

import dev.culebra.backend.HeadsOp;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Prepares queries, keys and values for attention: normalises, rotates and repeats them. Allocates
 * nothing once it has seen the last position. One thread at a time.
 */
final class HeadsCpu extends HeadsOp {
  private static final float EPSILON = 1e-5f;

  /** Floats of {@code qkv} per part of the rows. */
  private static final int PART = 16 * 1024;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final AttentionKernel dots;
  private final RotationTable rotations;
  private final ScratchMemory[] sums;
  private final WorkerPool.Task forwardRows = this::forwardRows;
  private final WorkerPool.Task backwardRows = this::backwardRows;
  private HeadsSpec spec;
  private long qkv;
  private long in;
  private long dIn;
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
  }

  @Override
  protected void runForward(Tensor qkv, Tensor in, Tensor offset, HeadsSpec spec) {
    set(qkv, in, offset == null ? 0 : offset.getInt(0), spec);
    run(forwardRows);
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dQkv, Tensor in, HeadsSpec spec) {
    set(dQkv, in, 0, spec);
    this.dIn = RawMemory.address(dIn);
    run(backwardRows);
  }

  private void set(Tensor qkv, Tensor in, int start, HeadsSpec spec) {
    if (start < 0) {
      throw new IllegalArgumentException("headsForward: position " + start + " is below 0");
    }
    this.spec = spec;
    this.qkv = RawMemory.address(qkv);
    this.in = RawMemory.address(in);
    this.start = start;
    rows = qkv.shape().rows();
    time = qkv.shape().dim(1);
    size = qkv.shape().dim(2) / (3 * spec.heads());
    rowsPerPart = Math.max(1, PART / qkv.shape().dim(2));
    if (spec.rotary()) {
      rotations.reach(size, start + time);
    }
  }

  private void run(WorkerPool.Task task) {
    pool.run(task, Math.ceilDiv(rows, rowsPerPart));
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
        prepare(packed(r, h), head(in, r, spec.projected(), h), r);
      }
      for (int g = 0; g < spec.kvHeads(); g++) {
        long key = packed(r, heads + g * spec.groupSize());
        prepare(key, head(in, r, spec.projected(), heads + g), r);
        repeat(key);
        long value = packed(r, 2 * heads + g * spec.groupSize());
        copy(value, head(in, r, spec.projected(), heads + spec.kvHeads() + g));
        repeat(value);
      }
    }
  }

  /** Normalises, then rotates a query or key. */
  private void prepare(long to, long from, int row) {
    if (spec.normalised()) {
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
    return (float) (1 / Math.sqrt(kernels.sumOfSquares(head, size) / size + EPSILON));
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
    for (int r = part * rowsPerPart; r < end(part); r++) {
      for (int h = 0; h < heads; h++) {
        prepareBackward(r, h, packed(r, h));
      }
      for (int g = 0; g < spec.kvHeads(); g++) {
        sumOfGroup(sum, packed(r, heads + g * spec.groupSize()));
        prepareBackward(r, heads + g, sum);
        int value = heads + spec.kvHeads() + g;
        sumOfGroup(
            head(dIn, r, spec.projected(), value), packed(r, 2 * heads + g * spec.groupSize()));
      }
    }
  }

  /**
   * Turns {@code d}, the gradient of a prepared query or key, into the gradient of the projection.
   */
  private void prepareBackward(int row, int head, long d) {
    long to = head(dIn, row, spec.projected(), head);
    if (spec.rotary()) {
      turn(to, d, row, -1);
    } else {
      copy(to, d);
    }
    if (spec.normalised()) {
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
