package dev.culebra.backend.cuda;

import dev.culebra.backend.CrossAttentionOp;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.tensor.Tensor;

/** Launches {@code cross_attention.cu}. A length outside 1 … S gives NaN. */
final class CrossAttentionCuda extends CrossAttentionOp {
  private final Launcher launcher;

  CrossAttentionCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runForward(
      Tensor out, Tensor logSumExp, Tensor queries, Tensor keysValues, Tensor lengths, int heads) {
    KernelFunction kernel =
        launcher.kernel("cross_attention_forward", queries.dtype()).with(out).with(logSumExp);
    launch(kernel, queries, keysValues, lengths, heads, queries.shape().dim(1), 1);
  }

  @Override
  protected void runBackward(
      Tensor dQueries,
      Tensor dKeysValues,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor queries,
      Tensor keysValues,
      Tensor lengths,
      int heads) {
    TiledAttention.delta(launcher, delta, dOut, out, heads);
    KernelFunction ofQueries =
        launcher.kernel("cross_attention_backward_queries", queries.dtype()).with(dQueries);
    ofQueries.with(dOut).with(logSumExp).with(delta);
    launch(ofQueries, queries, keysValues, lengths, heads, queries.shape().dim(1), 2);
    KernelFunction ofKeys =
        launcher.kernel("cross_attention_backward_keys", queries.dtype()).with(dKeysValues);
    ofKeys.with(dOut).with(logSumExp).with(delta);
    launch(ofKeys, queries, keysValues, lengths, heads, keysValues.shape().dim(1), 2);
  }

  /**
   * Adds the trailing arguments that all kernels share, and launches a block for each tile of rows.
   *
   * @param rows queries or keys
   * @param ownedTiles tiles of these rows per block
   */
  private void launch(
      KernelFunction kernel,
      Tensor queries,
      Tensor keysValues,
      Tensor lengths,
      int heads,
      int rows,
      int ownedTiles) {
    int size = AttentionCuda.headSize(queries, heads);
    kernel
        .with(queries)
        .with(keysValues)
        .with(lengths)
        .with(queries.shape().dim(1))
        .with(keysValues.shape().dim(1))
        .with(heads)
        .with(size);
    TiledAttention.launch(launcher, kernel, rows, heads, queries.shape().dim(0), size, ownedTiles);
  }
}
