package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culebra.backend.Activation;
import dev.culebra.backend.CompactLinearOp;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * {@link CompactLinearOp}: dot products for a few rows, which read the weights once from memory;
 * for more, {@link Gemm} with weights that are widened where they are packed. A call allocates
 * nothing. One thread at a time.
 */
final class CompactLinearCpu extends CompactLinearOp {
  /** Up to this many rows widening and packing the weights costs more than reading them again. */
  private static final int MAX_DOT_ROWS = 8;

  /** Bytes of the weights in one part: 128 KB stay in the L2 cache from row to row. */
  private static final int PART = 128 << 10;

  private static final int ROWS_PER_STORE = 16;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final Gemm gemm;
  private final CompactRows weights;
  private final GemmOperand left = new GemmOperand();
  private final GemmOperand right = new GemmOperand();
  private final WorkerPool.Task multiplyPart = this::multiplyPart;
  private final WorkerPool.Task storeRows = this::storeRows;
  private final Gemm.Epilogue activate = this::activate;

  private MemorySegment activated;
  private Activation activation;
  private long out;
  private long in;
  private long bias;
  private int n;
  private int oc;
  private int ic;
  private int outputsPerPart;

  private CompactWeight stored;
  private long from;
  private int firstRow;
  private int rows;

  CompactLinearCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    gemm = new Gemm(pool, kernels.gemm());
    weights = new CompactRows(pool, kernels.compact());
  }

  @Override
  protected void runForward(
      Tensor out, Tensor in, CompactWeight weight, Tensor bias, Activation activation) {
    this.activated = out.segment();
    this.activation = activation;
    this.out = RawMemory.address(out);
    this.in = RawMemory.address(in);
    this.bias = bias == null ? 0 : RawMemory.address(bias);
    n = in.shape().rows();
    oc = weight.shape().dim(0);
    ic = weight.shape().dim(1);
    weights.set(weight);
    if (n <= MAX_DOT_ROWS) {
      outputsPerPart = Math.max(1, PART / weights.rowBytes());
      pool.run(multiplyPart, Math.ceilDiv(oc, outputsPerPart));
    } else {
      boolean plain = activation == Activation.IDENTITY;
      left.depthInner(this.in, ic);
      right.depthInner(weights);
      gemm.multiply(this.out, left, right, n, oc, ic, this.bias, plain ? null : activate);
    }
  }

  private void multiplyPart(int part) {
    int first = part * outputsPerPart;
    int count = Math.min(outputsPerPart, oc - first);
    for (int r = 0; r < n; r++) {
      long to = out + 4L * ((long) r * oc + first);
      weights.dots(to, in + 4L * r * ic, first, count);
      if (bias != 0) {
        kernels.add(to, to, bias + 4L * first, count);
      }
    }
    if (activation != Activation.IDENTITY) {
      activate(0, n, first, count);
    }
  }

  private void activate(int firstRow, int rows, int firstColumn, int columns) {
    for (int r = firstRow; r < firstRow + rows; r++) {
      long offset = 4L * ((long) r * oc + firstColumn);
      kernels.activationForward(activated, offset, activated, offset, columns, activation);
    }
  }

  @Override
  protected void runStore(CompactWeight weight, int firstRow, Tensor rows) {
    stored = weight;
    from = RawMemory.address(rows);
    this.firstRow = firstRow;
    this.rows = rows.shape().dim(0);
    ic = weight.shape().dim(1);
    pool.run(storeRows, Math.ceilDiv(this.rows, ROWS_PER_STORE));
    stored = null;
  }

  private void storeRows(int part) {
    int end = Math.min(rows, (part + 1) * ROWS_PER_STORE);
    for (int r = part * ROWS_PER_STORE; r < end; r++) {
      long row = firstRow + r;
      switch (stored.format()) {
        case BF16 -> storeBf16(stored.values().address() + 2 * row * ic, from + 4L * r * ic);
        case INT8 -> storeInt8(row, from + 4L * r * ic);
      }
    }
  }

  private void storeBf16(long to, long row) {
    for (int k = 0; k < ic; k++) {
      ALL.set(JAVA_SHORT, safe(to + 2L * k), BFloat16.fromFloat(get(row + 4L * k)));
    }
  }

  private void storeInt8(long row, long src) {
    int blocks = stored.scales().shape().dim(1);
    long to = stored.values().address() + row * ic;
    for (int b = 0; b < blocks; b++) {
      int first = b * CompactWeight.BLOCK;
      int end = Math.min(first + CompactWeight.BLOCK, ic);
      float most = 0;
      for (int k = first; k < end; k++) {
        most = Math.max(most, Math.abs(get(src + 4L * k)));
      }
      float scale = most / Byte.MAX_VALUE;
      ALL.set(JAVA_FLOAT, safe(stored.scales().address() + 4 * (row * blocks + b)), scale);
      float inverse = most == 0 ? 0 : Byte.MAX_VALUE / most;
      for (int k = first; k < end; k++) {
        byte rounded = (byte) Math.rint(get(src + 4L * k) * inverse);
        ALL.set(JAVA_BYTE, safe(to + k), rounded);
      }
    }
  }

  private static float get(long address) {
    return ALL.get(JAVA_FLOAT, safe(address));
  }
}
