package dev.culebra.backend.cuda;

import dev.culebra.backend.ElementwiseOp;
import dev.culebra.tensor.Tensor;

/** Launches {@code elementwise.cu}. */
final class ElementwiseCuda extends ElementwiseOp {
  /** Elements converted per thread. */
  private static final int CONVERTED_PACK = 8;

  private final Launcher launcher;

  ElementwiseCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runAdd(Tensor out, Tensor a, Tensor b) {
    launcher
        .kernel("add", out.dtype())
        .with(out)
        .with(a)
        .with(b)
        .with(out.elements())
        .launch(Launcher.flat(out), launcher.stream());
  }

  @Override
  protected void runFill(Tensor out, float value) {
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

  @Override
  protected void runConvert(Tensor out, Tensor in) {
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
