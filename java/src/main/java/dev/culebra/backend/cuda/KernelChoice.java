package dev.culebra.backend.cuda;

/**
 * Which implementation of an operation a backend uses where there are several. For measuring and
 * for tests: the defaults are the fastest that work on the GPU at hand.
 *
 * @param attention kernels of bf16 attention
 * @param products how bf16 matrix products are called
 */
public record KernelChoice(Attention attention, Products products) {
  /** The fastest of each kind. */
  public static final KernelChoice AUTO = new KernelChoice(Attention.AUTO, Products.AUTO);

  /** Kernels of bf16 attention. */
  public enum Attention {
    /** {@link #HOPPER} where the GPU and the call allow it, else {@link #PORTABLE}. */
    AUTO,
    /**
     * Compute capability 9.0 only: warpgroup products, {@code attention_hopper_forward.cu} and
     * {@code …_backward.cu}. What those do not compute goes to {@link #PORTABLE}.
     */
    HOPPER,
    /** Compute capability 8.0 and newer, {@code attention_mma.cu}. */
    PORTABLE
  }

  /** How matrix products are called. */
  public enum Products {
    /** {@link #LT} where cublasLt can be loaded, else {@link #GEMM}. */
    AUTO,
    /** cublasLt, with bias and activation in the epilogue of the product. */
    LT,
    /** cublasGemmEx, and kernels of our own for bias and activation. */
    GEMM
  }
}
