package dev.culebra.backend.cuda;

import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingOp;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code sampling.cu}. */
final class SamplingCuda extends SamplingOp {
  private static final int THREADS = 1024;

  private final Launcher launcher;

  SamplingCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runSample(
      Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key) {
    launcher
        .kernel("sample", logits.dtype())
        .with(tokens)
        .with(logits)
        .with(key.state())
        .with(key.site())
        .with(spec.temperature())
        .with(spec.topK())
        .with(spec.topP())
        .with(Launcher.columns(logits))
        .with(vocab)
        .launch(LaunchSize.flat(Launcher.rows(logits), THREADS), launcher.stream());
  }

  @Override
  protected void runAdvance(
      Tensor history, Tensor token, Tensor position, RandomKey key, Tensor drawn) {
    launcher
        .kernel("advance", DType.I32)
        .with(history)
        .with(token)
        .with(position)
        .with(key.state())
        .with(drawn)
        .with(history.shape().dim(0))
        .launch(LaunchSize.flat(1, 1), launcher.stream());
  }
}
