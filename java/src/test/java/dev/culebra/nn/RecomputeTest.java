package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.Recompute;
import dev.culebra.backend.cpu.CpuBackend;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Recomputing activations saves memory and changes no bit. */
class RecomputeTest {
  private static final int BATCH = 3;
  private static final GptConfig CONFIG =
      new GptConfig(3, 2, 32, 24, 40, 0.2f, true, true, Activation.GELU_TANH);

  private static final GptConfig LLAMA =
      new GptConfig(3, 2, 32, 24, 40, 0.2f, false, false, Activation.SILU).with(GptConfig.LLAMA);

  static final List<GptConfig> CONFIGS = List.of(CONFIG, LLAMA);

  /** The results of a step. */
  private record Result(float loss, float[] gradients, long bytes) {}

  private static Result step(GptConfig config, Recompute recompute) {
    try (Backend backend = new CpuBackend(2);
        Gpt model = new Gpt(config, backend, 5)) {
      ModelFixture.enliven(model);
      model.plan(BATCH, CONFIG.context(), recompute);
      int count = BATCH * CONFIG.context();
      ModelFixture.load(
          model,
          ModelFixture.tokens(count, CONFIG.vocab(), 1),
          ModelFixture.tokens(count, CONFIG.vocab(), 2));
      model.setDraw(9, 4);
      model.zeroGradients();
      model.forward();
      model.backward(1);
      return new Result(
          model.readLossBlocking(),
          backend.readFloatsBlocking(model.parameters().gradients()),
          backend.memory().liveBytes());
    }
  }

  @ParameterizedTest
  @FieldSource("CONFIGS")
  void lossAndGradientsHaveTheSameBits(GptConfig config) {
    Result all = step(config, Recompute.NONE);
    Result gelu = step(config, Recompute.GELU);
    Result block = step(config, Recompute.BLOCK);
    assertThat(all.gradients()).isNotEqualTo(new float[all.gradients().length]);
    assertThat(gelu.loss()).isEqualTo(all.loss());
    assertThat(gelu.gradients()).isEqualTo(all.gradients());
    assertThat(block.loss()).isEqualTo(all.loss());
    assertThat(block.gradients()).isEqualTo(all.gradients());
  }

  @ParameterizedTest
  @FieldSource("CONFIGS")
  void eachStepSavesMemory(GptConfig config) {
    long all = step(config, Recompute.NONE).bytes();
    long gelu = step(config, Recompute.GELU).bytes();
    long block = step(config, Recompute.BLOCK).bytes();
    assertThat(gelu).isLessThan(all);
    assertThat(block).isLessThan(gelu);
  }
}
