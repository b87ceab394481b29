package dev.culebra.backend.cuda;

import dev.culebra.backend.Activation;
import dev.culebra.cuda.Blas;
import dev.culebra.cuda.GemmCall;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.cuda.MatrixType;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Matrix products by cuBLAS, and {@code linear.cu} for what stands beside them.
 *
 * <p>cuBLAS counts matrices column by column, so it sees the transpose of each of ours: y = x · Wᵀ
 * becomes yᵀ = W · xᵀ, where its "W" is our W read with a transpose.
 */
final class LinearKernel {
  private static final int EPILOGUE_THREADS = 256;
  private static final int EPILOGUE_ROWS = 4;
  private static final int MAX_GRID_Y = 65535;
  private static final int GRADIENT_ROWS = 8;
  private static final int GRADIENT_BLOCKS_OF_A_MULTIPROCESSOR = 4;
  private static final int REDUCE_PARTS = 16;

  private final Launcher launcher;
  private final Blas blas;
  private final GemmCall.Precision precision;

  LinearKernel(Launcher launcher, Blas blas, GemmCall.Precision precision) {
    this.launcher = launcher;
    this.blas = blas;
    this.precision = precision;
  }

  void forward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    int rows = Launcher.rows(in);
    int inputs = Launcher.columns(in);
    int outputs = Launcher.columns(out);
    boolean epilogue = bias != null || activation != Activation.IDENTITY;
    Tensor product = preActivation == null ? out : preActivation;
    // outᵀ (OC, N) = W (OC, IC) · inᵀ (IC, N)
    gemm(true, false, outputs, rows, inputs, weight, inputs, in, inputs, 0, product, outputs);
    if (epilogue) {
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

  private static LaunchSize epilogueSize(
      int rows, int columns, Tensor out, Tensor product, Tensor bias) {
    int packs = Math.ceilDiv(columns, Launcher.packOf(columns, out, product, bias));
    int threads = Math.min(EPILOGUE_THREADS, Math.ceilDiv(packs, Launcher.WARP) * Launcher.WARP);
    return LaunchSize.flat(1, threads)
        .grid(
            Math.ceilDiv(packs, threads), Math.min(MAX_GRID_Y, Math.ceilDiv(rows, EPILOGUE_ROWS)));
  }

  void backward(Tensor dIn, Tensor dWeight, Tensor dBias, Tensor dOut, Tensor in, Tensor weight) {
    int rows = Launcher.rows(in);
    int inputs = Launcher.columns(in);
    int outputs = Launcher.columns(dOut);
    if (dIn != null) {
      // dInᵀ (IC, N) = Wᵀ (IC, OC) · dOutᵀ (OC, N)
      gemm(false, false, inputs, rows, outputs, weight, inputs, dOut, outputs, 0, dIn, inputs);
    }
    // dWᵀ (IC, OC) += inᵀ (IC, N) · dOut (N, OC)
    gemm(false, true, inputs, outputs, rows, in, inputs, dOut, outputs, 1, dWeight, inputs);
    if (dBias != null) {
      biasGradient(dBias, dOut, rows, outputs);
    }
  }

  private void gemm(
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
      Tensor c,
      int ldc) {
    blas.gemm(
        new GemmCall(
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
            ldc,
            type(c),
            precision));
  }

  private static MatrixType type(Tensor tensor) {
    return tensor.dtype() == DType.BF16 ? MatrixType.BF16 : MatrixType.F32;
  }

  private void biasGradient(Tensor dBias, Tensor dOut, int rows, int columns) {
    int pack = Launcher.packOf(columns, dOut);
    int across = Math.ceilDiv(columns, Launcher.WARP * pack);
    int most =
        Math.ceilDiv(GRADIENT_BLOCKS_OF_A_MULTIPROCESSOR * launcher.multiprocessors(), across);
    int parts = Math.min(Math.ceilDiv(rows, GRADIENT_ROWS), most);
    long partials = launcher.workspace((long) parts * columns * Float.BYTES);
    launcher
        .kernel("linear_bias_gradient", dOut.dtype())
        .with(partials)
        .with(dOut)
        .with(rows)
        .with(columns)
        .launch(
            LaunchSize.rows(1, Launcher.WARP, GRADIENT_ROWS).grid(across, parts),
            launcher.stream());
    launcher
        .kernel("linear_bias_reduce", DType.F32)
        .with(dBias)
        .with(partials)
        .with(parts)
        .with(columns)
        .launch(
            LaunchSize.rows(Math.ceilDiv(columns, Launcher.WARP), Launcher.WARP, REDUCE_PARTS),
            launcher.stream());
  }
}
