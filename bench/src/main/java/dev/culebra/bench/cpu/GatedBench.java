package dev.culebra.bench.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;

/** SwiGLU, with about 8/3 C columns per half. */
public class GatedBench extends OpBench {
  private Tensor in;
  private Tensor out;
  private Tensor dIn;

  @Override
  protected void prepare() {
    int hidden = 8 * model().embd() / 3;
    in = floats(rows(), 2 * hidden);
    out = floats(rows(), hidden);
    dIn = floats(rows(), 2 * hidden);
  }

  @Benchmark
  public void forward() {
    ops().gated().forward(out, in, Activation.SILU);
  }

  @Benchmark
  public void backward() {
    ops().gated().backward(dIn, out, in, Activation.SILU);
  }
}
