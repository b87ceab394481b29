package dev.culebra.backend.cuda;

import dev.culebra.backend.Activation;
import dev.culebra.backend.ActivationOp;
import dev.culebra.tensor.Tensor;

/** Launches {@code activation.cu}. */
final class ActivationCuda extends ActivationOp {
  private final Launcher launcher;

  ActivationCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runForward(Tensor out, Tensor in, Activation activation) {
    launcher
        .kernel("activation_forward", in.dtype())
        .with(out)
        .with(in)
        .with(activation.ordinal())
        .with(in.elements())
        .launch(Launcher.flat(in), launcher.stream());
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    launcher
        .kernel("activation_backward", in.dtype())
        .with(dIn)
        .with(dOut)
        .with(in)
        .with(activation.ordinal())
        .with(in.elements())
        .launch(Launcher.flat(in), launcher.stream());
  }
}
