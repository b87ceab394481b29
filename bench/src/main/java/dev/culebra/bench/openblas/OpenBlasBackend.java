package dev.culebra.bench.openblas;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.Ops;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.OpsBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * The CPU backend with its matrix products from OpenBLAS: what we compare ours with, whole steps at
 * a time. A bias is what a product adds to, the gradient of one is a product with ones.
 */
public final class OpenBlasBackend extends OpsBackend {
  private static final int MAX_ROWS = 1 << 16;

  private final OpenBlas blas;
  private final Buffer buffer;

  /** With {@code threads} of ours and as many of OpenBLAS's. */
  public OpenBlasBackend(int threads) {
    this(new CpuBackend(threads), new OpenBlas(threads));
  }

  private OpenBlasBackend(Backend backend, OpenBlas blas) {
    this(backend, blas, backend.allocate((long) MAX_ROWS * Float.BYTES));
  }

  private OpenBlasBackend(Backend backend, OpenBlas blas, Buffer buffer) {
    super(backend, new Linear(backend.ops(), blas, ones(backend, buffer)).ops());
    this.blas = blas;
    this.buffer = buffer;
  }

  private static Tensor ones(Backend backend, Buffer buffer) {
    Tensor ones = new Tensor(buffer, 0, DType.F32, Shape.of(MAX_ROWS));
    backend.ops().fill(ones, 1);
    return ones;
  }

  @Override
  public void close() {
    buffer.close();
    super.close();
    blas.close();
  }

  /** The two operations that multiply matrices; the rest goes to {@code others}. */
  private record Linear(Ops others, OpenBlas blas, Tensor ones) {
    Ops ops() {
      return (Ops)
          Proxy.newProxyInstance(
              Ops.class.getClassLoader(),
              new Class<?>[] {Ops.class},
              (proxy, method, arguments) -> {
                switch (method.getName()) {
                  case "linearForward" -> forward(arguments);
                  case "linearBackward" -> backward(arguments);
                  default -> {
                    try {
                      method.invoke(others, arguments);
                    } catch (InvocationTargetException e) {
                      throw e.getCause();
                    }
                  }
                }
                return null;
              });
    }

    /** See {@link Ops#linearForward}. */
    private void forward(Object[] arguments) {
      Tensor out = (Tensor) arguments[0];
      Tensor preActivation = (Tensor) arguments[1];
      Tensor in = (Tensor) arguments[2];
      Tensor weight = (Tensor) arguments[3];
      Tensor bias = (Tensor) arguments[4];
      Activation activation = (Activation) arguments[5];
      Tensor product = preActivation == null ? out : preActivation;
      int outputs = weight.shape().dim(0);
      int inputs = weight.shape().dim(1);
      int rows = in.shape().rows();
      if (bias != null) {
        for (int row = 0; row < rows; row++) {
          product.segment().asSlice(row * bias.bytes(), bias.bytes()).copyFrom(bias.segment());
        }
      }
      blas.sgemm(
          OpenBlas.Form.PLAIN,
          OpenBlas.Form.TRANSPOSED,
          rows,
          outputs,
          inputs,
          in,
          weight,
          bias == null ? 0 : 1,
          product);
      if (activation != Activation.IDENTITY) {
        others.activationForward(out, product, activation);
      }
    }

    /** See {@link Ops#linearBackward}. */
    private void backward(Object[] arguments) {
      Tensor dIn = (Tensor) arguments[0];
      Tensor dWeight = (Tensor) arguments[1];
      Tensor dBias = (Tensor) arguments[2];
      Tensor dOut = (Tensor) arguments[3];
      Tensor in = (Tensor) arguments[4];
      Tensor weight = (Tensor) arguments[5];
      Tensor inPreActivation = (Tensor) arguments[6];
      int outputs = weight.shape().dim(0);
      int inputs = weight.shape().dim(1);
      int rows = in.shape().rows();
      if (dIn != null) {
        blas.sgemm(
            OpenBlas.Form.PLAIN, OpenBlas.Form.PLAIN, rows, inputs, outputs, dOut, weight, 0, dIn);
        if (inPreActivation != null) {
          others.activationBackward(dIn, dIn, inPreActivation, (Activation) arguments[7]);
        }
      }
      blas.sgemm(
          OpenBlas.Form.TRANSPOSED,
          OpenBlas.Form.PLAIN,
          outputs,
          inputs,
          rows,
          dOut,
          in,
          1,
          dWeight);
      if (dBias != null) {
        Tensor ones = this.ones.slice(0, Shape.of(1, rows));
        blas.sgemm(
            OpenBlas.Form.PLAIN, OpenBlas.Form.PLAIN, 1, outputs, rows, ones, dOut, 1, dBias);
      }
    }
  }
}
