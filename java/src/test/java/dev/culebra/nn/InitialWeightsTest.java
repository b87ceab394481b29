package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.random.RandomStream;
import org.junit.jupiter.api.Test;

/** Weights before training: drawn in parallel, as if in sequence. */
class InitialWeightsTest {
  private static final long SEED = 7;

  /** Its embedding is drawn by several tasks, and ends inside a block of random numbers. */
  private static final GptConfig LARGE_TABLE = Preset.NANO.config(1537).with(GptConfig.CONTEXT, 8);

  @Test
  void everyParameterIsOneSequenceOfNormals() {
    try (Backend backend = new CpuBackend(2);
        Gpt model = new Gpt(LARGE_TABLE, backend, SEED)) {
      Parameters parameters = model.parameters();
      for (int i = 0; i < parameters.list().size(); i++) {
        Parameter parameter = parameters.list().get(i);
        RandomStream sequence = new RandomStream(SEED, 1, i);
        Init init = parameter.init();
        float[] drawn =
            backend.readFloatsBlocking(parameters.slice(parameters.values(), parameter));
        long saved = parameter.savedShape().elements();
        for (int e = 0; e < drawn.length; e++) {
          float expected = 0;
          if (e < saved) {
            expected = init.mean();
            expected += init.std() == 0 ? 0 : init.std() * sequence.nextNormal();
          }
          assertThat(drawn[e]).as("%s[%d]", parameter.name(), e).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void weightsThatWillBeLoadedAreNotDrawn() {
    try (Backend backend = new CpuBackend(2);
        Gpt model = Gpt.toBeLoaded(LARGE_TABLE, backend)) {
      assertThat(backend.readFloatsBlocking(model.parameters().values())).containsOnly(0);
    }
  }
}
