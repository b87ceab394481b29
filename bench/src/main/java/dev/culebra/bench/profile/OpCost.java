package dev.culebra.bench.profile;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.tensor.Tensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/**
 * What an operation must do: floating-point operations where it multiplies matrices, else the bytes
 * of its tensors, each read or written once.
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
      case "embeddingBackward" -> bytes(3.0 * tensor(arguments, 2).bytes());
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
  private static double newtonSchulz(Tensor matrix) {
    double n = Math.min(matrix.shape().dim(0), matrix.shape().dim(1));
    double m = Math.max(matrix.shape().dim(0), matrix.shape().dim(1));
    return 5 * 2 * (2 * n * n * m + n * n * n);
  }

  private static double sum(Object[] arguments) {
    Set<Object> counted = Collections.newSetFromMap(new IdentityHashMap<>());
    double bytes = 0;
    for (Object argument : arguments) {
      if (argument instanceof Tensor tensor && counted.add(tensor)) {
        bytes += tensor.bytes();
      }
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
