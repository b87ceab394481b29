package dev.culebra.bench.cpu;

import static dev.culebra.backend.LayerNormOp.USUAL_EPSILON;

import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;

/** Fused residual sum and layernorm, as in a block. */
public class LayerNormBench extends OpBench {
  private Tensor out;
  private Tensor sum;
  private Tensor mean;
  private Tensor rstd;
  private Tensor stream;
  private Tensor branch;
  private Tensor weight;
  private Tensor dSum;
  private Tensor dWeight;

  @Override
  protected void prepare() {
    int width = model().embd();
    out = floats(rows(), width);
    sum = floats(rows(), width);
    mean = floats(rows());
    rstd = floats(rows());
    stream = floats(rows(), width);
    branch = floats(rows(), width);
    weight = floats(width);
    dSum = floats(rows(), width);
    dWeight = floats(width);
    forward();
  }

  @Benchmark
  public void forward() {
    ops()
        .layerNorm()
        .residualForward(out, sum, mean, rstd, stream, branch, weight, null, USUAL_EPSILON);
  }

  @Benchmark
  public void backward() {
    ops().layerNorm().residualBackward(dSum, dWeight, null, null, out, sum, mean, rstd, weight);
  }
}
