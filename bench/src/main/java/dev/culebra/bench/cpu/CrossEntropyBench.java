package dev.culebra.bench.cpu;

import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;

/**
 * Softmax and cross-entropy. The call with the gradient replaces its logits, so from the second
 * call on it works on gradients, which is the same amount of work.
 */
public class CrossEntropyBench extends OpBench {
  private Tensor losses;
  private Tensor mean;
  private Tensor logits;
  private Tensor targets;

  @Override
  protected void prepare() {
    losses = floats(rows());
    mean = floats(1);
    logits = floats(rows(), model().paddedVocab());
    targets = ints(model().vocab(), rows());
  }

  @Benchmark
  public void forward() {
    ops().crossEntropy().forward(losses, mean, logits, targets, model().vocab(), 1);
  }

  @Benchmark
  public void forwardBackward() {
    ops().crossEntropy().forwardBackward(losses, mean, logits, targets, model().vocab(), 1);
  }
}
