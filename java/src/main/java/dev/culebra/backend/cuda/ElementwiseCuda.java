package dev.culebra.backend.cuda;

import dev.culebra.tensor.Tensor;

/** Launches {@code elementwise.cu}. */
final class ElementwiseCuda {
  /** Elements that a thread converts. */
  private static final int CONVERTED_PACK = 8;

  private final Launcher launcher;

  ElementwiseCuda(Launcher launcher) {
    this.launcher = launcher;
  }

  void add(Tensor out, Tensor a, Tensor b) {
    launcher
        .kernel("add", out.dtype())
        .with(out)
        .with(a)
        .with(b)
        .with(out.elements())
        .launch(Launcher.flat(out), launcher.stream());
  }

  void fill(Tensor out, float value) {
    if (Float.floatToRawIntBits(value) == 0) {
      launcher.stream().clear(out.address(), out.bytes());
      return;
    }
    launcher
        .kernel("fill", out.dtype())
        .with(out)
        .with(value)
        .with(out.elements())
        .launch(Launcher.flat(out), launcher.stream());
  }

  void convert(Tensor out, Tensor in) {
    if (out.dtype() == in.dtype()) {
      launcher.stream().copy(out.address(), in.address(), out.bytes());
      return;
    }
    launcher
        .kernel("convert", out.dtype())
        .with(out)
        .with(in)
        .with(out.elements())
        .launch(Launcher.flat(out.elements(), CONVERTED_PACK), launcher.stream());
  }
}
