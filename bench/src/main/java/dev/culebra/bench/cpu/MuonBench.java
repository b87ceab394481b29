package dev.culebra.bench.cpu;

import dev.culebra.backend.MuonStep;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** A step of Muon for one matrix. */
public class MuonBench extends OpBench {
  private static final MuonStep STEP = new MuonStep(1, 1e-3f, 0.1f, 0);

  /** A matrix of a block. */
  public enum Matrix {
    QKV(3),
    PROJECTION(1),
    MLP_UP(4);

    private final int widths;

    Matrix(int widths) {
      this.widths = widths;
    }
  }

  /** The matrix to measure. */
  @Param public Matrix matrix;

  private Tensor values;
  private Tensor gradients;
  private Tensor momentum;
  private Tensor direction;
  private Tensor directions;
  private Tensor norm;

  @Override
  protected void prepare() {
    int rows = matrix.widths * model().embd();
    int columns = model().embd();
    values = floats(rows, columns);
    gradients = floats(rows, columns);
    momentum = floats(rows, columns);
    directions = floats(1, rows, columns);
    direction = directions.reshape(Shape.of(rows, columns));
    norm = floats(1);
  }

  @Benchmark
  public void momentum() {
    ops().muon().momentum(direction, momentum, gradients, norm, 0.95f, 1);
  }

  @Benchmark
  public void orthogonalise() {
    ops().muon().orthogonalise(directions);
  }

  @Benchmark
  public void update() {
    ops().muon().update(null, values, direction, STEP);
  }
}
