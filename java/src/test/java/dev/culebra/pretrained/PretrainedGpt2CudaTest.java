package dev.culebra.pretrained;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cuda.TestGpu;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Tag;

/** The same on a GPU, or in the simulator. */
@Tag("cuda")
class PretrainedGpt2CudaTest extends PretrainedGpt2Contract {
  @Override
  protected Backend open() {
    return TestGpu.open(Binding.FFM, DType.F32);
  }

  /** What is read is the same: once is enough. */
  @Override
  protected List<String> models() {
    return List.of("gpt2-f32");
  }
}
