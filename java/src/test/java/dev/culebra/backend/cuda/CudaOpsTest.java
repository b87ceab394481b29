package dev.culebra.backend.cuda;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OpsContract;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.DType;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** The operations on a GPU, or in the simulator. */
@Tag("cuda")
class CudaOpsTest {

  @Nested
  class Fp32 extends OpsContract {
    @Override
    protected Backend open() {
      return TestGpu.open(Binding.FFM, DType.F32);
    }

    @Override
    public int draws() {
      return TestGpu.SIMULATED_DRAWS;
    }
  }
}
