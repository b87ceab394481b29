package dev.culebra.backend.cuda;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OpsContract;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.DType;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** The operations on a GPU, or in the simulator, through both bindings. */
@Tag("cuda")
class CudaOpsTest {

  @Nested
  class Fp32 extends OnGpu {
    Fp32() {
      super(Binding.FFM, DType.F32);
    }
  }

  @Nested
  class Fp32ThroughJCuda extends OnGpu {
    Fp32ThroughJCuda() {
      super(Binding.JCUDA, DType.F32);
    }
  }

  @Nested
  class Bf16 extends OnGpu {
    Bf16() {
      super(Binding.FFM, DType.BF16);
    }
  }

  @Nested
  class Bf16ThroughJCuda extends OnGpu {
    Bf16ThroughJCuda() {
      super(Binding.JCUDA, DType.BF16);
    }
  }

  /** The kernels that {@link Bf16} uses only on GPUs without specialised ones. */
  @Nested
  class Bf16WithPortableAttention extends OnGpu {
    Bf16WithPortableAttention() {
      super(Binding.FFM, DType.BF16);
    }

    @Override
    protected Backend open() {
      return TestGpu.open(
          Binding.FFM,
          DType.BF16,
          new KernelChoice(KernelChoice.Attention.PORTABLE, KernelChoice.Products.AUTO));
    }

    @Override
    protected boolean concerns(String op) {
      return op.startsWith("attention");
    }
  }

  abstract static class OnGpu extends OpsContract {
    private final Binding binding;
    private final DType dtype;

    OnGpu(Binding binding, DType dtype) {
      this.binding = binding;
      this.dtype = dtype;
    }

    @Override
    protected Backend open() {
      return TestGpu.open(binding, dtype);
    }

    /** The kernels are the same through JCuda, so their bits need not be compared again. */
    @Override
    protected Backend openSecond(Backend backend) {
      return binding == Binding.JCUDA ? null : backend;
    }

    @Override
    public int draws() {
      return TestGpu.SIMULATED_DRAWS;
    }
  }
}
