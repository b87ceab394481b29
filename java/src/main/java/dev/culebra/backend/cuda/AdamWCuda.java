package dev.culebra.backend.cuda;

import dev.culebra.backend.AdamWOp;
import dev.culebra.backend.AdamWStep;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code adamw.cu}. */
final class AdamWCuda extends AdamWOp {
  private static final int PACK = 4;

  private final Launcher launcher;

  AdamWCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
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
    KernelFunction kernel =
        weights == null
            ? launcher.kernel("adamw", DType.F32)
            : launcher.kernel("adamw", DType.BF16).with(weights);
    double firstLeft = 1 - Math.pow(step.beta1(), step.step());
    double secondLeft = 1 - Math.pow(step.beta2(), step.step());
    kernel
        .with(values)
        .with(gradients)
        .with(firstMoment)
        .with(secondMoment)
        .with(gradientNorm)
        .with(step.maxNorm())
        .with(step.beta1())
        .with(step.beta2())
        .with((float) (1 - (double) step.learningRate() * step.weightDecay()))
        .with((float) (step.learningRate() / firstLeft))
        .with((float) (1 / Math.sqrt(secondLeft)))
        .with(step.epsilon())
        .with(decayed);
    if (weights != null) {
      kernel.with((int) step.seed()).with((int) (step.seed() >>> 32)).with(step.step());
    }
    kernel
        .with(values.elements())
        .launch(Launcher.flat(values.elements(), PACK), launcher.stream());
  }
}
