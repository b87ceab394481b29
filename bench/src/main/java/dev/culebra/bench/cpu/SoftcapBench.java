package dev.culebra.bench.cpu;

import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;

/** The soft cap of the logits. */
public class SoftcapBench extends OpBench {
  private static final float CAP = 15;

  private Tensor in;
  private Tensor out;
  private Tensor dOut;

  @Override
  protected void prepare() {
    int vocab = model().paddedVocab();
    in = floats(rows(), vocab);
    out = floats(rows(), vocab);
    dOut = floats(rows(), vocab);
  }

  @Benchmark
  public void forward() {
    ops().softcap().forward(out, in, CAP);
  }

  @Benchmark
  public void backward() {
    ops().softcap().backward(out, dOut, in, CAP);
  }
}
