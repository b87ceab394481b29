package dev.culebra.backend.cuda;

import dev.culebra.backend.SoftcapOp;
import dev.culebra.tensor.Tensor;

/** Launches {@code softcap.cu}. */
final class SoftcapCuda extends SoftcapOp {
  private final Launcher launcher;

  SoftcapCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runForward(Tensor out, Tensor in, float cap) {
    launcher
        .kernel("softcap_forward", in.dtype())
        .with(out)
        .with(in)
        .with(cap)
        .with(in.elements())
        .launch(Launcher.flat(in), launcher.stream());
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, float cap) {
    launcher
        .kernel("softcap_backward", in.dtype())
        .with(dIn)
        .with(dOut)
        .with(in)
        .with(cap)
        .with(in.elements())
        .launch(Launcher.flat(in), launcher.stream());
  }
}
