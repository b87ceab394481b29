package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;

import dev.culebra.backend.MuonOp;
import dev.culebra.backend.MuonStep;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The parts of a Muon step. Allocates nothing once it has seen the largest matrix. One thread at a
 * time.
 */
final class MuonCpu extends MuonOp {
  private static final int STEPS = 5;
  private static final float LINEAR = 3.4445f;
  private static final float CUBIC = -4.775f;
  private static final float QUINTIC = 2.0315f;
  private static final double TINY = 1e-7;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final Gemm gemm;
  private final GemmOperand left = new GemmOperand();
  private final GemmOperand right = new GemmOperand();
  private final ScratchMemory scratch;
  private final WorkerPool.Task momentumStretch = this::momentumStretch;
  private final WorkerPool.Task combineStretch = this::combineStretch;

  private long direction;
  private long momentum;
  private long gradients;
  private float kept;
  private float clip;

  private long out;
  private long a;
  private float factorA;
  private long b;
  private float factorB;
  private long length;

  MuonCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    gemm = new Gemm(pool, kernels.gemm());
    scratch = pool.scratch();
  }

  @Override
  protected void runMomentum(
      Tensor direction,
      Tensor momentum,
      Tensor gradients,
      Tensor gradientNorm,
      float mu,
      float maxNorm) {
    this.direction = RawMemory.address(direction);
    this.momentum = RawMemory.address(momentum);
    this.gradients = RawMemory.address(gradients);
    kept = mu;
    clip = maxNorm == 0 ? 1 : AdamWCpu.clip(gradientNorm.getFloat(0), maxNorm);
    length = gradients.elements();
    pool.run(momentumStretch, Stretches.count(length));
  }

  private void momentumStretch(int index) {
    long at = Stretches.offset(index);
    int count = Stretches.length(index, length);
    float added = (1 - kept) * clip;
    kernels.combine(momentum + at, momentum + at, kept, gradients + at, added, count);
    kernels.combine(direction + at, momentum + at, kept, gradients + at, added, count);
  }

  @Override
  protected void runUpdate(Tensor weights, Tensor values, Tensor direction, MuonStep step) {
    long to = RawMemory.address(values);
    float rate = step.rate(values.shape().dim(0), values.shape().dim(1));
    combine(to, to, step.keep(), RawMemory.address(direction), -rate, values.elements());
  }

  /** out = a · factorA + b · factorB, shared by all threads. */
  private void combine(long out, long a, float factorA, long b, float factorB, long length) {
    this.out = out;
    this.a = a;
    this.factorA = factorA;
    this.b = b;
    this.factorB = factorB;
    this.length = length;
    pool.run(combineStretch, Stretches.count(length));
  }

  private void combineStretch(int index) {
    long at = Stretches.offset(index);
    int count = Stretches.length(index, length);
    kernels.combine(out + at, a + at, factorA, b + at, factorB, count);
  }

  @Override
  protected void runOrthogonalise(Tensor matrices) {
    int rows = matrices.shape().dim(1);
    int columns = matrices.shape().dim(2);
    long first = RawMemory.address(matrices);
    for (int i = 0; i < matrices.shape().dim(0); i++) {
      orthogonalise(first + 4L * i * rows * columns, rows, columns);
    }
  }

  private void orthogonalise(long matrix, int rows, int columns) {
    long elements = (long) rows * columns;
    long square = (long) Math.min(rows, columns) * Math.min(rows, columns);
    long products = scratch.floats(2 * square + elements);
    long x = matrix;
    long y = products + 8 * square;
    float inverse = (float) (1 / (norm(x, elements) + TINY));
    combine(x, x, inverse, x, 0, elements);
    for (int step = 0; step < STEPS; step++) {
      improve(y, x, products, rows, columns);
      long last = x;
      x = y;
      y = last;
    }
    MemorySegment.copy(ALL, x, ALL, y, 4 * elements); // after an odd number of steps
  }

  /** Sums stretches in order, for any number of threads. */
  private double norm(long x, long elements) {
    double sum = 0;
    for (int i = 0; i < Stretches.count(elements); i++) {
      sum += kernels.sumOfSquares(x + Stretches.offset(i), Stretches.length(i, elements));
    }
    return Math.sqrt(sum);
  }

  /** y = 3.4445 x + (−4.775 A + 2.0315 A²) x with A = x xᵀ, or from the right with A = xᵀ x. */
  private void improve(long y, long x, long products, int rows, int columns) {
    boolean wide = rows <= columns;
    int n = Math.min(rows, columns);
    int depth = Math.max(rows, columns);
    long gram = products;
    long polynomial = products + 4L * n * n;
    operand(left, x, wide, columns);
    operand(right, x, wide, columns);
    gemm.multiply(gram, left, right, n, n, depth, 0, null);
    left.depthInner(gram, n);
    right.depthInner(gram, n); // it is its own transpose
    gemm.multiply(polynomial, left, right, n, n, n, 0, null);
    combine(polynomial, polynomial, QUINTIC, gram, CUBIC, (long) n * n);
    combine(y, x, LINEAR, x, 0, (long) rows * columns);
    if (wide) {
      left.depthInner(polynomial, n);
      right.depthOuter(x, columns);
    } else {
      left.depthInner(x, columns);
      right.depthInner(polynomial, n);
    }
    gemm.multiplyAdd(y, 0, left, right, rows, columns, n);
  }

  /** x as a factor of its Gram matrix on the side of its smaller dimension. */
  private static void operand(GemmOperand operand, long x, boolean wide, int columns) {
    if (wide) {
      operand.depthInner(x, columns);
    } else {
      operand.depthOuter(x, columns);
    }
  }
}
