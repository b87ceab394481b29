package dev.culebra.pretrained;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cuda.TestGpu;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Tag;

/** The same on a GPU, or in the simulator. */
@Tag("cuda")
class PretrainedCudaTest extends PretrainedContract {
  @Override
  protected Backend open() {
    return TestGpu.open(Binding.FFM, DType.F32);
  }

  /** What is read is the same: once is enough of each architecture. */
  @Override
  protected List<String> models() {
    return List.of("gpt2-f32", "llama3-rope-f32", "qwen2-f32", "qwen3-f32");
  }
}
