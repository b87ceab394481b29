package dev.culebra.bench.pytorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import dev.culebra.backend.RopeScaling;
import dev.culebra.backend.Rotation;
import java.util.stream.IntStream;

/** The functions of a GPT, built from PyTorch's differentiable operations. */
final class Functions {
  private Functions() {}

  /** x · Wᵀ + bias, which may be null. */
  static NDArray linear(NDArray x, NDArray weight, NDArray bias) {
    return x.getNDArrayInternal().linear(x, weight, bias).singletonOrThrow();
  }

  /** Rows of {@code table}. */
  static NDArray embedding(NDArray tokens, NDArray table) {
    return tokens
        .getNDArrayInternal()
        .embedding(tokens, table, SparseFormat.DENSE)
        .singletonOrThrow();
  }

  /** Over the last axis. */
  static NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, float epsilon) {
    return x.getNDArrayInternal()
        .layerNorm(x, weight.getShape(), weight, bias, epsilon)
        .singletonOrThrow();
  }

  /** x / √(mean of x² + ε) over the last axis. */
  static NDArray ofUnitSize(NDArray x, float epsilon) {
    int[] last = {x.getShape().dimension() - 1};
    return x.div(x.mul(x).mean(last, true).add(epsilon).sqrt());
  }

  static NDArray activation(NDArray x, dev.culebra.backend.Activation kind) {
    return switch (kind) {
      case IDENTITY -> x;
      case RELU -> Activation.relu(x);
      case GELU_ERF -> Activation.gelu(x);
      case GELU_TANH -> geluTanh(x);
      case RELU_SQUARED -> Activation.relu(x).mul(Activation.relu(x));
      case SILU -> x.mul(Activation.sigmoid(x));
    };
  }

  /** DJL exposes only the exact form of PyTorch's GELU. */
  private static NDArray geluTanh(NDArray x) {
    float root = (float) Math.sqrt(2 / Math.PI);
    NDArray inner = x.mul(x).mul(0.044715f * root).add(root).mul(x);
    return inner.tanh().add(1).mul(x).mul(0.5f);
  }

  /** cap · tanh(x / cap). */
  static NDArray softcap(NDArray x, float cap) {
    return x.div(cap).tanh().mul(cap);
  }

  /**
   * Rotates row t of each head by t: columns i and i + D/2 by the angle t · θ^(−2i/D), the
   * frequency changed by the rope scaling.
   *
   * @param x (B, heads, T, D)
   */
  static NDArray rotate(NDManager manager, NDArray x, Rotation rotation) {
    int time = (int) x.getShape().get(2);
    int half = (int) x.getShape().get(3) / 2;
    double[] angles =
        IntStream.range(0, time * half)
            .mapToDouble(i -> (i / half) * frequency(i % half, half, rotation))
            .toArray();
    NDArray angle = manager.create(angles, new Shape(time, half));
    NDArray cos = angle.cos().toType(x.getDataType(), false);
    NDArray sin = angle.sin().toType(x.getDataType(), false);
    NDList halves = x.split(2, 3);
    NDArray first = halves.get(0);
    NDArray second = halves.get(1);
    return first.mul(cos).sub(second.mul(sin)).concat(second.mul(cos).add(first.mul(sin)), 3);
  }

  /** As Llama 3 defines it, by wavelengths. */
  private static double frequency(int pair, int half, Rotation rotation) {
    RopeScaling scaling = rotation.scaling();
    double frequency = Math.pow(rotation.theta(), -pair / (double) half);
    double low = scaling.lowFrequencyFactor();
    double high = scaling.highFrequencyFactor();
    double turns = scaling.originalContext() * frequency / (2 * Math.PI);
    if (turns > high) {
      return frequency;
    }
    double lowered = frequency / scaling.factor();
    double share = turns < low ? 0 : (turns - low) / (high - low);
    return (1 - share) * lowered + share * frequency;
  }

  /** Each head {@code times} times: (B, heads, T, D) → (B, heads · times, T, D). */
  static NDArray repeatHeads(NDArray x, int times) {
    Shape shape = x.getShape();
    long heads = shape.get(1);
    return x.expandDims(2)
        .broadcast(new Shape(shape.get(0), heads, times, shape.get(2), shape.get(3)))
        .reshape(shape.get(0), heads * times, shape.get(2), shape.get(3));
  }

  /** (T, T): 0 for visible keys, −∞ above the diagonal. */
  static NDArray causalMask(NDManager manager, int time) {
    float[] mask = new float[time * time];
    for (int query = 0; query < time; query++) {
      for (int key = query + 1; key < time; key++) {
        mask[query * time + key] = Float.NEGATIVE_INFINITY;
      }
    }
    return manager.create(mask, new Shape(time, time));
  }
}
