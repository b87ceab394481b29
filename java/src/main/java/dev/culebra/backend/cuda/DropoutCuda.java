package dev.culebra.backend.cuda;

import dev.culebra.backend.DropoutOp;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.tensor.Tensor;

/** Launches {@code dropout.cu}, for both forward and backward. */
final class DropoutCuda extends DropoutOp {
  private final Launcher launcher;

  DropoutCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void run(Tensor out, Tensor in, DropoutSpec dropout) {
    if (dropout.isNone()) {
      if (out.address() != in.address()) {
        launcher.stream().copy(out.address(), in.address(), in.bytes());
      }
      return;
    }
    launcher
        .kernel("dropout", in.dtype())
        .with(out)
        .with(in)
        .with(dropout.key().state())
        .with(dropout.key().site())
        .with(dropout.p())
        .with(dropout.scale())
        .with(in.elements())
        .launch(Launcher.flat(in), launcher.stream());
  }
}
