package dev.culebra.backend;

/** The parts of a Muon step in double precision. */
public final class ReferenceMuon {
  private ReferenceMuon() {}

  /** The new momentum and the direction. */
  public record Momentum(double[] momentum, double[] direction) {}

  public static Momentum momentum(
      double[] momentum, double[] gradients, double gradientNorm, float mu, float maxNorm) {
    boolean clips = maxNorm > 0 && gradientNorm > maxNorm;
    double clip = clips ? maxNorm / gradientNorm : 1;
    Momentum next = new Momentum(new double[momentum.length], new double[momentum.length]);
    for (int i = 0; i < momentum.length; i++) {
      next.momentum[i] = mu * momentum[i] + (1 - (double) mu) * clip * gradients[i];
      next.direction[i] = mu * next.momentum[i] + (1 - (double) mu) * clip * gradients[i];
    }
    return next;
  }

  /** Five Newton–Schulz steps of x (rows, columns), always from the left. */
  public static double[] orthogonalised(double[] matrix, int rows, int columns) {
    double norm = ReferenceOps.norm(matrix) + 1e-7;
    double[] x = java.util.Arrays.stream(matrix).map(v -> v / norm).toArray();
    for (int step = 0; step < 5; step++) {
      double[] gram = product(x, transposed(x, rows, columns), rows, columns, rows);
      double[] square = product(gram, gram, rows, rows, rows);
      double[] polynomial = new double[rows * rows];
      for (int i = 0; i < polynomial.length; i++) {
        polynomial[i] = -4.775 * gram[i] + 2.0315 * square[i];
      }
      double[] bent = product(polynomial, x, rows, rows, columns);
      for (int i = 0; i < x.length; i++) {
        x[i] = 3.4445 * x[i] + bent[i];
      }
    }
    return x;
  }

  /** (rows, columns) → (columns, rows). */
  public static double[] transposed(double[] x, int rows, int columns) {
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i % columns * rows + i / columns] = x[i];
    }
    return out;
  }

  /** a (m, k) · b (k, n). */
  public static double[] product(double[] a, double[] b, int m, int k, int n) {
    double[] out = new double[m * n];
    for (int i = 0; i < m; i++) {
      for (int x = 0; x < k; x++) {
        for (int j = 0; j < n; j++) {
          out[i * n + j] += a[i * k + x] * b[x * n + j];
        }
      }
    }
    return out;
  }

  public static double[] updated(
      double[] values, double[] direction, int rows, int columns, MuonStep step) {
    double rate = step.learningRate() * 0.2 * Math.sqrt(Math.max(rows, columns));
    double[] next = new double[values.length];
    for (int i = 0; i < next.length; i++) {
      double kept = values[i] * (1 - (double) step.learningRate() * step.weightDecay());
      next[i] = kept - rate * direction[i];
    }
    return next;
  }
}
