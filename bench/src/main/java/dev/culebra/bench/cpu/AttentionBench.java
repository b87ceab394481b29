package dev.culebra.bench.cpu;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;

/** Causal attention. */
public class AttentionBench extends OpBench {
  private AttentionSpec spec;
  private Tensor qkv;
  private Tensor out;
  private Tensor logSumExp;
  private Tensor dOut;
  private Tensor delta;
  private Tensor dQkv;

  @Override
  protected void prepare() {
    int batch = course.batch();
    int time = course.time();
    int width = model().embd();
    int heads = model().heads();
    spec = new AttentionSpec(heads, true, DropoutSpec.NONE);
    qkv = floats(batch, time, 3 * width);
    out = floats(batch, time, width);
    logSumExp = floats(batch, heads, time);
    dOut = floats(batch, time, width);
    delta = floats(batch, heads, time);
    dQkv = floats(batch, time, 3 * width);
    ops().attention().forward(out, logSumExp, qkv, spec);
  }

  @Benchmark
  public void forward() {
    ops().attention().forward(out, logSumExp, qkv, spec);
  }

  @Benchmark
  public void backward() {
    ops().attention().backward(dQkv, delta, dOut, out, logSumExp, qkv, spec);
  }
}
