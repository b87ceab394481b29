package dev.culebra.backend.cpu;

import dev.culebra.backend.AdamWOp;
import dev.culebra.backend.AdamWStep;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * One AdamW step in one pass over the flat buffers, including clipping: 28 bytes per parameter.
 * Allocates nothing. One thread at a time.
 */
final class AdamWCpu extends AdamWOp {
  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task updateStretch = this::updateStretch;
  private long values;
  private long gradients;
  private long firstMoment;
  private long secondMoment;
  private long length;
  private long decayed;
  private AdamWStep step;
  private float clip;
  private float keep;
  private float rate;
  private float rootScale;

  AdamWCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
  }

  @Override
  protected void runUpdate(
      Tensor weights,
      Tensor values,
      Tensor gradients,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor gradientNorm,
      long decayed,
      AdamWStep step) {
    this.values = RawMemory.address(values);
    this.gradients = RawMemory.address(gradients);
    this.firstMoment = RawMemory.address(firstMoment);
    this.secondMoment = RawMemory.address(secondMoment);
    this.length = values.elements();
    this.decayed = decayed;
    this.step = step;
    clip = step.maxNorm() == 0 ? 1 : clip(gradientNorm.getFloat(0), step.maxNorm());
    keep = (float) (1 - (double) step.learningRate() * step.weightDecay());
    rate = (float) (step.learningRate() / (1 - Math.pow(step.beta1(), step.step())));
    rootScale = (float) (1 / Math.sqrt(1 - Math.pow(step.beta2(), step.step())));
    pool.run(updateStretch, Stretches.count(length));
  }

  /** min(1, maxNorm / norm). */
  static float clip(float norm, float maxNorm) {
    return norm > maxNorm ? maxNorm / norm : 1;
  }

  private void updateStretch(int index) {
    long first = Stretches.first(index);
    int count = Stretches.length(index, length);
    int decays = Math.clamp(decayed - first, 0, count);
    update(first, decays, keep);
    update(first + decays, count - decays, 1);
  }

  private void update(long first, int count, float keep) {
    long at = 4 * first;
    kernels.adamW(
        values + at,
        gradients + at,
        firstMoment + at,
        secondMoment + at,
        count,
        clip,
        step.beta1(),
        step.beta2(),
        keep,
        rate,
        rootScale,
        step.epsilon());
  }
}
