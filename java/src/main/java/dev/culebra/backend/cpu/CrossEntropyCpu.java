package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.CrossEntropyOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * Softmax and cross-entropy; the gradient can replace the logits. A row is read three times, from
 * the L2 cache after the first: for its largest logit, for its exponentials and their sum, and to
 * scale them for the gradient. Allocates nothing. One thread at a time.
 */
final class CrossEntropyCpu extends CrossEntropyOp {
  /** Number of exponentials to sum in single precision; these partial sums are added in double. */
  private static final int STRETCH = 4096;

  /** Floats per part of the rows. */
  private static final int PART = 16 * 1024;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task computeRows = this::computeRows;
  private final ScratchMemory[] exponentials;
  private long losses;
  private long logits;
  private long targets;
  private int n;
  private int columns;
  private int vocab;
  private int rowsPerPart;
  private boolean backward;

  /** scale / number of rows that are not ignored. */
  private float slope;

  CrossEntropyCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    exponentials = pool.scratchOfEach();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if a target is neither in [0, vocab) nor {@link #IGNORE}
   */
  @Override
  protected void run(
      Tensor losses,
      Tensor meanLoss,
      Tensor logits,
      Tensor targets,
      int vocab,
      float scale,
      boolean backward) {
    this.losses = RawMemory.address(losses);
    this.logits = RawMemory.address(logits);
    this.targets = RawMemory.address(targets);
    this.vocab = vocab;
    this.backward = backward;
    n = logits.shape().rows();
    columns = logits.shape().dim(-1);
    float before = meanLoss.getFloat(0);
    int counted = checkedTargets(backward ? "crossEntropyForwardBackward" : "crossEntropyForward");
    slope = scale / Math.max(counted, 1);
    rowsPerPart = Math.max(1, PART / columns);
    pool.run(computeRows, Math.ceilDiv(n, rowsPerPart));
    double sum = 0;
    for (int r = 0; r < n; r++) {
      sum += ALL.get(JAVA_FLOAT, safe(this.losses + 4L * r));
    }
    meanLoss.setFloat(0, (float) (before + scale * sum / Math.max(counted, 1)));
  }

  /** The number of rows that are not ignored. */
  private int checkedTargets(String op) {
    int counted = 0;
    for (int r = 0; r < n; r++) {
      int target = target(r);
      if (target < 0 && target != IGNORE || target >= vocab) {
        throw new IllegalArgumentException(
            "%s: target %d of row %d is neither in 0 to %d nor %d (ignore)"
                .formatted(op, target, r, vocab - 1, IGNORE));
      }
      counted += target == IGNORE ? 0 : 1;
    }
    return counted;
  }

  private int target(int row) {
    return ALL.get(JAVA_INT, safe(targets + 4L * row));
  }

  private void computeRows(int part) {
    int end = Math.min(n, (part + 1) * rowsPerPart);
    for (int r = part * rowsPerPart; r < end; r++) {
      long row = logits + 4L * columns * r;
      int target = target(r);
      ALL.set(JAVA_FLOAT, safe(losses + 4L * r), target == IGNORE ? 0 : loss(row, target));
      if (backward && target == IGNORE) {
        kernels.fill(row, 0, columns);
      }
    }
  }

  /** The loss of a row that is not ignored; replaces its logits with the gradient if requested. */
  private float loss(long row, int target) {
    long hit = safe(row + 4L * target);
    float logit = ALL.get(JAVA_FLOAT, hit);
    float max = kernels.max(row, vocab);
    double sum = sumOfExponentials(row, max);
    if (backward) {
      kernels.multiply(row, row, (float) (slope / sum), vocab);
      ALL.set(JAVA_FLOAT, hit, ALL.get(JAVA_FLOAT, hit) - slope);
      kernels.fill(row + 4L * vocab, 0, columns - vocab);
    }
    return (float) (Math.log(sum) + ((double) max - logit));
  }

  /** Σ exp(logit − max); the exponentials replace the logits if the gradient is requested. */
  private double sumOfExponentials(long row, float max) {
    long unwanted = backward ? 0 : exponentials[pool.slot()].floats(STRETCH);
    double sum = 0;
    for (int j = 0; j < vocab; j += STRETCH) {
      long from = row + 4L * j;
      sum += kernels.exp(backward ? from : unwanted, from, max, 1, Math.min(STRETCH, vocab - j));
    }
    return sum;
  }
}
