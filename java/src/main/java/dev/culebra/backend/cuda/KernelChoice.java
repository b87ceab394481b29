package dev.culebra.backend.cuda;

/**
 * Which implementation of an operation a backend uses if there are several. For measurements and
 * tests: the defaults are the fastest that work on the GPU.
 *
 * @param attention kernels of bf16 attention
 * @param products how bf16 matrix products are computed
 */
public record KernelChoice(Attention attention, Products products) {
  /** The fastest of each kind. */
  public static final KernelChoice AUTO = new KernelChoice(Attention.AUTO, Products.AUTO);

  /** Kernels of bf16 attention. */
  public enum Attention {
    /** {@link #HOPPER} if the GPU and the call allow it, otherwise {@link #PORTABLE}. */
    AUTO,
    /**
     * Compute capability 9.0 only: warpgroup products, {@code attention_hopper_forward.cu} and
     * {@code …_backward.cu}. Calls that they do not support go to {@link #PORTABLE}.
     */
    HOPPER,
    /** Compute capability 8.0 and newer, {@code attention_mma.cu}. */
    PORTABLE
  }

  /** How matrix products are computed. */
  public enum Products {
    /** {@link #LT} if cublasLt can be loaded, otherwise {@link #GEMM}. */
    AUTO,
    /** cublasLt, with bias and activation in the epilogue of the product. */
    LT,
    /** cublasGemmEx, with our own kernels for bias and activation. */
    GEMM
  }
}
