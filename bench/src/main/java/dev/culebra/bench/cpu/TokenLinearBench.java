package dev.culebra.bench.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.CompactWeight;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * The matrix products of writing a token, with each kind of weights. In fp32 a GFLOP/s is 2 GB/s of
 * weights, in BF16 1, in INT8 0.53. Small matrices stay in a cache.
 */
public class TokenLinearBench extends OpBench {
  /** The layer to measure. */
  @Param public LinearBench.Layer layer;

  /** How many texts are written together. */
  @Param public Texts texts;

  private Tensor in;
  private Tensor weight;
  private CompactWeight bf16;
  private CompactWeight int8;
  private Tensor out;

  /** Rows of a product. */
  public enum Texts {
    ONE(1),
    EIGHT(8);

    private final int rows;

    Texts(int rows) {
      this.rows = rows;
    }
  }

  @Override
  protected void prepare() {
    int inputs = layer.inputs(model());
    int outputs = layer.outputs(model());
    in = floats(texts.rows, inputs);
    weight = floats(outputs, inputs);
    bf16 = compact(CompactWeight.Format.BF16, weight);
    int8 = compact(CompactWeight.Format.INT8, weight);
    out = floats(texts.rows, outputs);
  }

  @Benchmark
  public void fp32() {
    ops().linear().forward(out, null, in, weight, null, Activation.IDENTITY);
  }

  @Benchmark
  public void bf16() {
    compact().linear(out, in, bf16, null, Activation.IDENTITY);
  }

  @Benchmark
  public void int8() {
    compact().linear(out, in, int8, null, Activation.IDENTITY);
  }
}
