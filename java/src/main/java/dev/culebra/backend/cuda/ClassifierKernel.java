package dev.culebra.backend.cuda;

import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code classifier.cu}: softmax, cross-entropy and the gradient of the logits. */
final class ClassifierKernel {
  private static final int THREADS = 512;
  private static final int SHORT_ROWS = 4;
  private static final int TOTAL_THREADS = 1024;

  private final Launcher launcher;

  ClassifierKernel(Launcher launcher) {
    this.launcher = launcher;
  }

  /**
   * @param backward whether the logits become their gradient
   */
  void compute(
      Tensor losses,
      Tensor meanLoss,
      Tensor logits,
      Tensor targets,
      int vocab,
      float scale,
      boolean backward) {
    int rows = Launcher.rows(logits);
    int columns = Launcher.columns(logits);
    long counted = launcher.workspace(Integer.BYTES);
    LaunchSize one = LaunchSize.flat(1, TOTAL_THREADS);
    launcher
        .kernel("classifier_count", DType.I32)
        .with(counted)
        .with(targets)
        .with(rows)
        .launch(one, launcher.stream());
    LaunchSize size =
        Launcher.rowBlocks(
            rows,
            columns,
            Launcher.packOf(columns, logits),
            THREADS,
            SHORT_ROWS,
            Integer.MAX_VALUE);
    if (backward) {
      launcher
          .kernel("classifier_forward_backward", logits.dtype())
          .with(losses)
          .with(logits)
          .with(targets)
          .with(counted)
          .with(scale)
          .with(rows)
          .with(columns)
          .with(vocab)
          .launch(size, launcher.stream());
    } else {
      launcher
          .kernel("classifier_forward", logits.dtype())
          .with(losses)
          .with(logits)
          .with(targets)
          .with(rows)
          .with(columns)
          .with(vocab)
          .launch(size, launcher.stream());
    }
    launcher
        .kernel("classifier_mean", DType.F32)
        .with(meanLoss)
        .with(losses)
        .with(counted)
        .with(scale)
        .with(rows)
        .launch(one, launcher.stream());
  }
}
