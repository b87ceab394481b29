package dev.culebra.bench.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.nn.GptConfig;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The matrix products of a step. */
public class LinearBench extends OpBench {
  /** The linear layers of a GPT. */
  public enum Layer {
    QKV,
    PROJECTION,
    MLP_UP,
    MLP_DOWN,
    HEAD;

    int inputs(GptConfig model) {
      return this == MLP_DOWN ? 4 * model.embd() : model.embd();
    }

    int outputs(GptConfig model) {
      return switch (this) {
        case QKV -> 3 * model.embd();
        case PROJECTION, MLP_DOWN -> model.embd();
        case MLP_UP -> 4 * model.embd();
        case HEAD -> model.paddedVocab();
      };
    }
  }

  /** The layer to measure. */
  @Param public Layer layer;

  private Tensor in;
  private Tensor weight;
  private Tensor out;
  private Tensor dIn;
  private Tensor dWeight;

  @Override
  protected void prepare() {
    int inputs = layer.inputs(model());
    int outputs = layer.outputs(model());
    in = floats(rows(), inputs);
    weight = floats(outputs, inputs);
    out = floats(rows(), outputs);
    dIn = floats(rows(), inputs);
    dWeight = floats(outputs, inputs);
  }

  @Benchmark
  public void forward() {
    ops().linear().forward(out, null, in, weight, null, Activation.IDENTITY);
  }

  @Benchmark
  public void backward() {
    ops().linear().backward(dIn, dWeight, null, out, in, weight, null, Activation.IDENTITY);
  }
}
