package dev.culebra.bench.openblas;

import static dev.culebra.bench.openblas.OpenBlas.Form.PLAIN;
import static dev.culebra.bench.openblas.OpenBlas.Form.TRANSPOSED;

import dev.culebra.backend.Activation;
import dev.culebra.backend.ActivationOp;
import dev.culebra.backend.LinearOp;
import dev.culebra.backend.Ops;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * Linear layers by OpenBLAS. A bias is the initial value of a product; its gradient is a product
 * with ones.
 */
final class OpenBlasLinear extends LinearOp {
  static final int MAX_ROWS = 1 << 16;

  private final ActivationOp activations;
  private final OpenBlas blas;
  private final Tensor ones;

  /**
   * @param ops provides the activations
   * @param ones (MAX_ROWS)
   */
  OpenBlasLinear(Ops ops, OpenBlas blas, Tensor ones) {
    super(ops.context());
    this.activations = ops.activation();
    this.blas = blas;
    this.ones = ones;
  }

  @Override
  protected void runForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    Tensor product = preActivation == null ? out : preActivation;
    int outputs = weight.shape().dim(0);
    int inputs = weight.shape().dim(1);
    int rows = in.shape().rows();
    if (bias != null) {
      for (int row = 0; row < rows; row++) {
        product.segment().asSlice(row * bias.bytes(), bias.bytes()).copyFrom(bias.segment());
      }
    }
    blas.sgemm(PLAIN, TRANSPOSED, rows, outputs, inputs, in, weight, bias == null ? 0 : 1, product);
    if (activation != Activation.IDENTITY) {
      activations.forward(out, product, activation);
    }
  }

  @Override
  protected void runBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor inPreActivation,
      Activation inActivation) {
    int outputs = weight.shape().dim(0);
    int inputs = weight.shape().dim(1);
    int rows = in.shape().rows();
    if (dIn != null) {
      blas.sgemm(PLAIN, PLAIN, rows, inputs, outputs, dOut, weight, 0, dIn);
      if (inPreActivation != null) {
        activations.backward(dIn, dIn, inPreActivation, inActivation);
      }
    }
    blas.sgemm(TRANSPOSED, PLAIN, outputs, inputs, rows, dOut, in, 1, dWeight);
    if (dBias != null) {
      Tensor row = ones.slice(0, Shape.of(1, rows));
      blas.sgemm(PLAIN, PLAIN, 1, outputs, rows, row, dOut, 1, dBias);
    }
  }
}
