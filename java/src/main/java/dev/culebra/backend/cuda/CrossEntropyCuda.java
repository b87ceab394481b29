package dev.culebra.backend.cuda;

import dev.culebra.backend.CrossEntropyOp;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code cross_entropy.cu}: softmax, cross-entropy and the gradient of the logits. */
final class CrossEntropyCuda extends CrossEntropyOp {
  private static final int THREADS = 512;
  private static final int SHORT_ROWS = 4;
  private static final int TOTAL_THREADS = 1024;

  /** Threads of a block that keeps a BF16 row in registers, and the most columns it can keep. */
  private static final int HELD_THREADS = 320;

  private static final int HELD_COLUMNS = 51_200;

  private final Launcher launcher;

  CrossEntropyCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void run(
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
        .kernel("cross_entropy_count", DType.I32)
        .with(counted)
        .with(targets)
        .with(rows)
        .launch(one, launcher.stream());
    int pack = Launcher.packOf(columns, logits);
    boolean held = isHeld(columns, pack, logits.dtype());
    String scheme = held ? "cross_entropy_held_" : "cross_entropy_";
    LaunchSize size =
        held
            ? LaunchSize.flat(rows, HELD_THREADS)
            : Launcher.rowBlocks(rows, columns, pack, THREADS, SHORT_ROWS, Integer.MAX_VALUE);
    if (backward) {
      launcher
          .kernel(scheme + "forward_backward", logits.dtype())
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
          .kernel(scheme + "forward", logits.dtype())
          .with(losses)
          .with(logits)
          .with(targets)
          .with(rows)
          .with(columns)
          .with(vocab)
          .launch(size, launcher.stream());
    }
    launcher
        .kernel("cross_entropy_mean", DType.F32)
        .with(meanLoss)
        .with(losses)
        .with(counted)
        .with(scale)
        .with(rows)
        .launch(one, launcher.stream());
  }

  /** A row that fills less than half of the registers is faster with the general scheme. */
  private static boolean isHeld(int columns, int pack, DType dtype) {
    return dtype == DType.BF16 && pack > 1 && columns > HELD_COLUMNS / 2 && columns <= HELD_COLUMNS;
  }
}
