package dev.culebra.backend.cuda;

import dev.culebra.tensor.Tensor;

/** Launches {@code softcap.cu}. */
final class SoftcapCuda {
  private final Launcher launcher;

  SoftcapCuda(Launcher launcher) {
    this.launcher = launcher;
  }

  void forward(Tensor out, Tensor in, float cap) {
    launcher
        .kernel("softcap_forward", in.dtype())
        .with(out)
        .with(in)
        .with(cap)
        .with(in.elements())
        .launch(Launcher.flat(in), launcher.stream());
  }

  void backward(Tensor dIn, Tensor dOut, Tensor in, float cap) {
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
