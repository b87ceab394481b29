package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.Ops;
import dev.culebra.tensor.Tensor;

/**
 * Softmax and cross-entropy, with the gradient in place of the logits. A row's largest logit and
 * sum of exponentials are found in one pass (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018), stretch by stretch; the gradient is a second one. Allocates nothing. One
 * thread at a time.
 */
final class CrossEntropyCpu {
  /** Floats of a row between two corrections of the sum: they stay in the L1 cache. */
  private static final int STRETCH = 4096;

  /** Floats in a part of the rows. */
  private static final int PART = 16 * 1024;

  private final WorkerPool pool;
  private final Kernels kernels;
  private final WorkerPool.Task computeRows = this::computeRows;
  private long losses;
  private long logits;
  private long targets;
  private int n;
  private int columns;
  private int vocab;
  private int rowsPerPart;
  private boolean backward;

  /** scale / number of rows that count. */
  private float slope;

  CrossEntropyCpu(WorkerPool pool, Kernels kernels) {
    this.pool = pool;
    this.kernels = kernels;
  }

  /**
   * See {@link Ops#crossEntropyForward} and {@link Ops#crossEntropyForwardBackward}.
   *
   * @throws IllegalArgumentException if a target is neither in [0, vocab) nor {@link Ops#IGNORE}
   */
  void compute(
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

  /** The number of rows that count. */
  private int checkedTargets(String op) {
    int counted = 0;
    for (int r = 0; r < n; r++) {
      int target = target(r);
      if (target < 0 && target != Ops.IGNORE || target >= vocab) {
        throw new IllegalArgumentException(
            "%s: target %d of row %d is neither in 0 to %d nor %d (ignore)"
                .formatted(op, target, r, vocab - 1, Ops.IGNORE));
      }
      counted += target == Ops.IGNORE ? 0 : 1;
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
      ALL.set(JAVA_FLOAT, safe(losses + 4L * r), target == Ops.IGNORE ? 0 : loss(row, target));
      if (backward && target == Ops.IGNORE) {
        kernels.fill(row, 0, columns);
      }
    }
  }

  /** The loss of a row that counts; its logits become the gradient where that is wanted. */
  private float loss(long row, int target) {
    float max = Float.NEGATIVE_INFINITY;
    double sum = 0;
    for (int j = 0; j < vocab; j += STRETCH) {
      int count = Math.min(STRETCH, vocab - j);
      float larger = Math.max(max, kernels.max(row + 4L * j, count));
      if (larger == Float.NEGATIVE_INFINITY) {
        continue; // exp(−∞) adds nothing, and −∞ − −∞ is no number
      }
      double correction = larger == max ? 1 : Math.exp((double) max - larger);
      sum = sum * correction + kernels.sumExp(row + 4L * j, larger, count);
      max = larger;
    }
    long hit = safe(row + 4L * target);
    float logit = ALL.get(JAVA_FLOAT, hit);
    if (backward) {
      kernels.exp(row, row, max, 1, (float) (slope / sum), vocab);
      ALL.set(JAVA_FLOAT, hit, ALL.get(JAVA_FLOAT, hit) - slope);
      kernels.fill(row + 4L * vocab, 0, columns - vocab);
    }
    return (float) (Math.log(sum) + ((double) max - logit));
  }
}
