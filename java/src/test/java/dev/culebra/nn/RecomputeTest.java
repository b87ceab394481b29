package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.Recompute;
import dev.culebra.backend.cpu.CpuBackend;
import org.junit.jupiter.api.Test;

/** Computing activations a second time saves memory and changes no bit. */
class RecomputeTest {
  private static final int BATCH = 3;
  private static final GptConfig CONFIG =
      new GptConfig(3, 2, 32, 24, 40, 0.2f, true, true, Activation.GELU_TANH);

  /** What a step leaves behind. */
  private record Result(float loss, float[] gradients, long bytes) {}

  private static Result step(Recompute recompute) {
    try (Backend backend = new CpuBackend(2);
        Gpt model = new Gpt(CONFIG, backend, 5)) {
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

  @Test
  void lossAndGradientsHaveTheSameBits() {
    Result all = step(Recompute.NONE);
    Result gelu = step(Recompute.GELU);
    Result block = step(Recompute.BLOCK);
    assertThat(all.gradients()).isNotEqualTo(new float[all.gradients().length]);
    assertThat(gelu.loss()).isEqualTo(all.loss());
    assertThat(gelu.gradients()).isEqualTo(all.gradients());
    assertThat(block.loss()).isEqualTo(all.loss());
    assertThat(block.gradients()).isEqualTo(all.gradients());
  }

  @Test
  void eachStepSavesMemory() {
    long all = step(Recompute.NONE).bytes();
    long gelu = step(Recompute.GELU).bytes();
    long block = step(Recompute.BLOCK).bytes();
    assertThat(gelu).isLessThan(all);
    assertThat(block).isLessThan(gelu);
  }
}
