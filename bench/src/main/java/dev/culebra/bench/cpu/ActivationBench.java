package dev.culebra.bench.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The activation of an MLP's hidden layer. */
public class ActivationBench extends OpBench {
  /** The activation. */
  @Param({"GELU_TANH", "GELU_ERF", "RELU_SQUARED", "SILU"})
  public Activation activation;

  private Tensor in;
  private Tensor out;
  private Tensor dOut;

  @Override
  protected void prepare() {
    int hidden = 4 * model().embd();
    in = floats(rows(), hidden);
    out = floats(rows(), hidden);
    dOut = floats(rows(), hidden);
  }

  @Benchmark
  public void forward() {
    ops().activation().forward(out, in, activation);
  }

  @Benchmark
  public void backward() {
    ops().activation().backward(out, dOut, in, activation);
  }
}
