package dev.culebra.backend.cuda;

import dev.culebra.backend.Activation;
import dev.culebra.backend.LinearOp;
import dev.culebra.cuda.Blas;
import dev.culebra.cuda.BlasLt;
import dev.culebra.cuda.GemmCall;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.cuda.LtCall;
import dev.culebra.cuda.LtEpilogue;
import dev.culebra.cuda.MatrixType;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Matrix products by cublasLt or cuBLAS, with {@code linear.cu} for bias and activation; {@code
 * linear_rows.cu} for the forward pass of a few rows, as when tokens are generated.
 *
 * <p>cublasLt fuses bias and GELU into the epilogue of a product. It is used for BF16 with aligned
 * rows and more than one row; cublasGemmEx and our own kernels do the rest.
 *
 * <p>cuBLAS is column-major, so it sees the transpose of each of our matrices: y = x · Wᵀ becomes
 * yᵀ = W · xᵀ, where its "W" is our W read with a transpose.
 */
final class LinearCuda extends LinearOp {
  private static final int EPILOGUE_THREADS = 256;
  private static final int EPILOGUE_ROWS = 4;
  private static final int MAX_GRID_Y = 65535;
  private static final int FEW_ROWS_THREADS = 256;
  private static final int FEW_ROWS_OUTPUTS = 4;

  private final Launcher launcher;
  private final ActivationCuda activations;
  private final ColumnSumsCuda columnSums;
  private final Blas blas;
  private final BlasLt lt;
  private final GemmCall.Precision precision;

  /**
   * @param lt null to use only cuBLAS
   */
  LinearCuda(
      Launcher launcher,
      ActivationCuda activations,
      ColumnSumsCuda columnSums,
      Blas blas,
      BlasLt lt,
      GemmCall.Precision precision) {
    super(launcher.ops());
    this.launcher = launcher;
    this.activations = activations;
    this.columnSums = columnSums;
    this.blas = blas;
    this.lt = lt;
    this.precision = precision;
  }

  @Override
  protected void runForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    if (Launcher.rows(in) <= Launcher.FEW_ROWS && preActivation == null) {
      multiplyRows(out, in, weight, bias, activation);
      return;
    }
    LtEpilogue epilogue = epilogue(activation, bias != null, preActivation != null);
    if (epilogue != null
        && multiplyLt(forwardProduct(out, in, weight), epilogue, bias, preActivation)) {
      return;
    }
    Tensor product = preActivation == null ? out : preActivation;
    multiply(forwardProduct(product, in, weight));
    if (bias != null || activation != Activation.IDENTITY) {
      int rows = Launcher.rows(out);
      int outputs = Launcher.columns(out);
      launcher
          .kernel("linear_epilogue", out.dtype())
          .with(out)
          .with(bias == null ? null : preActivation)
          .with(product)
          .with(bias)
          .with(activation.ordinal())
          .with(rows)
          .with(outputs)
          .launch(epilogueSize(rows, outputs, out, product, bias), launcher.stream());
    }
  }

  private void multiplyRows(
      Tensor out, Tensor in, Tensor weight, Tensor bias, Activation activation) {
    int rows = Launcher.rows(in);
    int inputs = Launcher.columns(in);
    int outputs = Launcher.columns(out);
    int most = rows == 1 ? 1 : rows <= 4 ? 4 : Launcher.FEW_ROWS;
    String kernel = "linear_rows_most" + most;
    boolean overlapped = launcher.overlaps(kernel, out.dtype());
    launcher
        .kernel(kernel, out.dtype(), overlapped)
        .with(out)
        .with(in)
        .with(weight)
        .with(bias)
        .with(activation.ordinal())
        .with(rows)
        .with(inputs)
        .with(outputs)
        .launch(
            Launcher.rowBlocks(
                    outputs,
                    inputs,
                    Launcher.packOf(inputs, in, weight),
                    FEW_ROWS_THREADS,
                    FEW_ROWS_OUTPUTS,
                    Integer.MAX_VALUE)
                .overlapped(overlapped),
            launcher.stream());
  }

  /** outᵀ (OC, N) = W (OC, IC) · inᵀ (IC, N). */
  private GemmCall forwardProduct(Tensor out, Tensor in, Tensor weight) {
    int inputs = Launcher.columns(in);
    int outputs = Launcher.columns(out);
    return product(
        true, false, outputs, Launcher.rows(in), inputs, weight, inputs, in, inputs, 0, out);
  }

  /** The epilogue of cublasLt, or null if it has none for this. */
  private static LtEpilogue epilogue(Activation activation, boolean bias, boolean keeps) {
    return switch (activation) {
      case IDENTITY -> bias ? LtEpilogue.BIAS : LtEpilogue.NONE;
      case GELU_TANH ->
          keeps
              ? bias ? LtEpilogue.GELU_AUX_BIAS : LtEpilogue.GELU_AUX
              : bias ? LtEpilogue.GELU_BIAS : LtEpilogue.GELU;
      default -> null;
    };
  }

  private static LaunchSize epilogueSize(
      int rows, int columns, Tensor out, Tensor product, Tensor bias) {
    int packs = Math.ceilDiv(columns, Launcher.packOf(columns, out, product, bias));
    int threads = Math.min(EPILOGUE_THREADS, Math.ceilDiv(packs, Launcher.WARP) * Launcher.WARP);
    return LaunchSize.flat(1, threads)
        .grid(
            Math.ceilDiv(packs, threads), Math.min(MAX_GRID_Y, Math.ceilDiv(rows, EPILOGUE_ROWS)));
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
    int rows = Launcher.rows(in);
    int inputs = Launcher.columns(in);
    int outputs = Launcher.columns(dOut);
    if (dBias != null) {
      columnSums.add(dBias, dOut); // first, while the end of dOut is in the L2 cache
    }
    if (dIn != null) {
      // dInᵀ (IC, N) = Wᵀ (IC, OC) · dOutᵀ (OC, N)
      GemmCall product =
          product(false, false, inputs, rows, outputs, weight, inputs, dOut, outputs, 0, dIn);
      inputGradient(product, dIn, inPreActivation, inActivation);
    }
    // dWᵀ (IC, OC) += inᵀ (IC, N) · dOut (N, OC)
    multiply(product(false, true, inputs, outputs, rows, in, inputs, dOut, outputs, 1, dWeight));
  }

  /** dIn = product ⊙ activation′(preActivation). */
  private void inputGradient(
      GemmCall product, Tensor dIn, Tensor preActivation, Activation activation) {
    if (activation == Activation.GELU_TANH
        && multiplyLt(product, LtEpilogue.DGELU, null, preActivation)) {
      return;
    }
    multiply(product);
    if (activation != Activation.IDENTITY) {
      activations.runBackward(dIn, dIn, preActivation, activation);
    }
  }

  /** C (m, n) with contiguous columns. */
  private GemmCall product(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      Tensor a,
      int lda,
      Tensor b,
      int ldb,
      float beta,
      Tensor c) {
    return new GemmCall(
        transposeA,
        transposeB,
        m,
        n,
        k,
        a.address(),
        lda,
        type(a),
        b.address(),
        ldb,
        beta,
        c.address(),
        m,
        type(c),
        precision);
  }

  private void multiply(GemmCall product) {
    if (!multiplyLt(product, LtEpilogue.NONE, null, null)) {
      blas.gemm(product);
    }
  }

  /** Does nothing and returns false if cublasLt does not support this product. */
  private boolean multiplyLt(GemmCall product, LtEpilogue epilogue, Tensor bias, Tensor auxiliary) {
    return lt != null
        && isForLt(product, bias, auxiliary)
        && lt.multiply(new LtCall(product, epilogue, addressOf(bias), addressOf(auxiliary)));
  }

  private static boolean isForLt(GemmCall product, Tensor bias, Tensor auxiliary) {
    long addresses =
        product.a() | product.b() | product.c() | addressOf(bias) | addressOf(auxiliary);
    int strides = product.lda() | product.ldb() | product.ldc();
    return product.inputs() == MatrixType.BF16
        && product.n() > 1
        && addresses % LtCall.ALIGNMENT == 0
        && strides * MatrixType.BF16.bytes() % LtCall.ALIGNMENT == 0;
  }

  private static long addressOf(Tensor tensor) {
    return tensor == null ? 0 : tensor.address();
  }

  private static MatrixType type(Tensor tensor) {
    return tensor.dtype() == DType.BF16 ? MatrixType.BF16 : MatrixType.F32;
  }
}
