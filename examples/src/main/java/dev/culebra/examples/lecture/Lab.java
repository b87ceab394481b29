package dev.culebra.examples.lecture;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.Ops;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A CPU backend with some tensors, for programs that explore single operations. */
final class Lab implements AutoCloseable {
  private final Backend backend = new CpuBackend();
  private final List<Buffer> buffers = new ArrayList<>();

  /** Rows × columns of normally distributed numbers, the same for equal seeds. */
  static float[][] normal(long seed, int rows, int columns) {
    RandomStream random = new RandomStream(seed, 0, 0);
    float[][] matrix = new float[rows][columns];
    for (float[] row : matrix) {
      for (int i = 0; i < columns; i++) {
        row[i] = random.nextNormal();
      }
    }
    return matrix;
  }

  Backend backend() {
    return backend;
  }

  Ops ops() {
    return backend.ops();
  }

  /** A tensor with the numbers of {@code matrix}. */
  Tensor tensor(float[][] matrix) {
    Tensor tensor = empty(matrix.length, matrix[0].length);
    for (int r = 0; r < matrix.length; r++) {
      backend.upload(
          tensor.slice((long) r * matrix[r].length, Shape.of(matrix[r].length)), matrix[r]);
    }
    return tensor;
  }

  /** A tensor of zeros. */
  Tensor empty(int... dims) {
    Shape shape = Shape.of(dims);
    Buffer buffer = backend.allocate(shape.elements() * Float.BYTES);
    buffers.add(buffer);
    return new Tensor(buffer, 0, DType.F32, shape);
  }

  /** The numbers of a tensor, one row for each of its last dimension. */
  float[][] read(Tensor tensor) {
    float[] all = backend.readFloatsBlocking(tensor);
    int columns = tensor.shape().dim(-1);
    float[][] rows = new float[all.length / columns][columns];
    for (int i = 0; i < all.length; i++) {
      rows[i / columns][i % columns] = all[i];
    }
    return rows;
  }

  /**
   * a (M, K) · b (K, N) on the backend, computed as a linear layer. Its weight is (outputs,
   * inputs), so b is transposed.
   */
  float[][] multiply(float[][] a, float[][] b) {
    Tensor out = empty(a.length, b[0].length);
    ops().linear().forward(out, null, tensor(a), tensor(transposed(b)), null, Activation.IDENTITY);
    return read(out);
  }

  static float[][] transposed(float[][] matrix) {
    float[][] transposed = new float[matrix[0].length][matrix.length];
    for (int r = 0; r < matrix.length; r++) {
      for (int c = 0; c < matrix[r].length; c++) {
        transposed[c][r] = matrix[r][c];
      }
    }
    return transposed;
  }

  /** softmax of each row; −∞ gives 0. */
  static float[][] softmax(float[][] scores) {
    float[][] weights = new float[scores.length][];
    for (int r = 0; r < scores.length; r++) {
      weights[r] = softmax(scores[r]);
    }
    return weights;
  }

  /** exp(x) / Σ exp(x). */
  static float[] softmax(float... scores) {
    double sum = 0;
    for (float score : scores) {
      sum += Math.exp(score);
    }
    float[] weights = new float[scores.length];
    for (int i = 0; i < scores.length; i++) {
      weights[i] = (float) (Math.exp(scores[i]) / sum);
    }
    return weights;
  }

  /** The largest |a − b|. */
  static float difference(float[][] a, float[][] b) {
    float largest = 0;
    for (int r = 0; r < a.length; r++) {
      for (int c = 0; c < a[r].length; c++) {
        largest = Math.max(largest, Math.abs(a[r][c] - b[r][c]));
      }
    }
    return largest;
  }

  /** Prints a matrix under a title. */
  static void print(String title, float[][] matrix) {
    System.out.println(title);
    for (float[] row : matrix) {
      System.out.println("  " + text(row));
    }
  }

  /** A row of numbers in columns. */
  static String text(float... row) {
    StringBuilder text = new StringBuilder();
    for (float value : row) {
      text.append(Float.isInfinite(value) ? "    -inf" : "%8.4f".formatted(value));
    }
    return text.toString();
  }

  /**
   * Checks a claim and prints it.
   *
   * @throws IllegalStateException if it does not
   */
  static void check(String claim, boolean holds) {
    if (!holds) {
      throw new IllegalStateException("check failed: " + claim);
    }
    System.out.println("checked: " + claim);
  }

  @Override
  public void close() {
    buffers.forEach(Buffer::close);
    backend.close();
  }
}
