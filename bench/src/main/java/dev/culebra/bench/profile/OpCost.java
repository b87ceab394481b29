package dev.culebra.bench.profile;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.tensor.Tensor;

/**
 * What an operation must do: floating-point operations where it multiplies matrices, else the bytes
 * that it reads and writes; a tensor that it reads and writes counts twice.
 */
public record OpCost(double flops, double bytes) {
  /** Of a call of {@code op} of {@link dev.culebra.backend.Ops}. */
  public static OpCost of(String op, Object[] arguments) {
    return switch (op) {
      case "linearForward" -> flops(2 * product(tensor(arguments, 0), tensor(arguments, 3)));
      case "linearBackward" -> {
        int products = arguments[0] == null ? 1 : 2;
        yield flops(2.0 * products * product(tensor(arguments, 3), tensor(arguments, 5)));
      }
      case "attentionForward" -> flops(4 * attention(arguments, 0, 3));
      case "attentionBackward" -> flops(10 * attention(arguments, 2, 6)); // computes Q Kᵀ again
      case "orthogonalise" -> flops(newtonSchulz(tensor(arguments, 0)));
      case "embeddingForward" -> bytes(2.0 * tensor(arguments, 0).bytes());
      case "embeddingBackward" -> bytes(embeddingBackward(arguments));
      case "adamW" -> bytes(sum(arguments) + sum(arguments, 1, 3, 4));
      case "muonMomentum", "muonUpdate" -> bytes(sum(arguments) + sum(arguments, 1));
      case "layerNormBackward" -> bytes(sum(arguments) + sum(arguments, 1, 2));
      case "residualLayerNormBackward" -> bytes(sum(arguments) + sum(arguments, 0, 1, 2));
      case "crossEntropyForwardBackward" -> bytes(sum(arguments) + sum(arguments, 2));
      default -> bytes(sum(arguments));
    };
  }

  /** Multiply-adds of rows of {@code out} with (OC, IC). */
  private static double product(Tensor out, Tensor weight) {
    return (double) out.shape().rows() * weight.elements();
  }

  /** Pairs of tokens that attention looks at, times C. */
  private static double attention(Object[] arguments, int out, int spec) {
    Tensor values = tensor(arguments, out);
    long time = values.shape().dim(1);
    boolean causal = ((AttentionSpec) arguments[spec]).causal();
    return values.elements() * (causal ? (time + 1) / 2.0 : time);
  }

  /** Five steps of X Xᵀ, a square of that and a product with X, on the smaller side n of m. */
  private static double newtonSchulz(Tensor matrices) {
    double n = Math.min(matrices.shape().dim(1), matrices.shape().dim(2));
    double m = Math.max(matrices.shape().dim(1), matrices.shape().dim(2));
    return matrices.shape().dim(0) * 5 * 2 * (2 * n * n * m + n * n * n);
  }

  /** Reads its gradient, adds to the rows of the tables that there are tokens and positions for. */
  private static double embeddingBackward(Object[] arguments) {
    Tensor table = tensor(arguments, 0);
    Tensor dOut = tensor(arguments, 2);
    double width = (double) dOut.shape().dim(-1) * table.dtype().bytes();
    double rows = Math.min(table.shape().rows(), dOut.shape().rows());
    double positions = arguments[1] == null ? 0 : dOut.shape().dim(1);
    return dOut.bytes() + 2 * width * (rows + positions);
  }

  /** Bytes of all tensors: a tensor that is given as output and as input is there twice. */
  private static double sum(Object[] arguments) {
    double bytes = 0;
    for (Object argument : arguments) {
      if (argument instanceof Tensor tensor) {
        bytes += tensor.bytes();
      }
    }
    return bytes;
  }

  /** Bytes of those of these arguments that are there. */
  private static double sum(Object[] arguments, int... which) {
    double bytes = 0;
    for (int index : which) {
      bytes += arguments[index] == null ? 0 : tensor(arguments, index).bytes();
    }
    return bytes;
  }

  private static Tensor tensor(Object[] arguments, int index) {
    return (Tensor) arguments[index];
  }

  private static OpCost flops(double flops) {
    return new OpCost(flops, 0);
  }

  private static OpCost bytes(double bytes) {
    return new OpCost(0, bytes);
  }
}
