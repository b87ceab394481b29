package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Activation;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Batch;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class MicroStepsTest {
  private static final int VOCAB = 27;
  private static final int CONTEXT = 200;
  private static final int ROWS = 4;

  /** Counted targets in each row. */
  private static final int[] COMPLETIONS = {1, 200, 7, 1};

  private static final GptConfig CONFIG =
      new GptConfig(1, 2, 16, CONTEXT, VOCAB, 0, true, true, Activation.GELU_TANH);

  @Test
  void countedTokensHaveEqualWeightsForAnySplitIntoMicroSteps() {
    try (CpuBackend backend = new CpuBackend(2)) {
      Step whole = step(backend, ROWS);
      for (int rows : new int[] {2, 1}) {
        Step parts = step(backend, rows);

        assertThat(parts.loss).isCloseTo(whole.loss, within(1e-5f));
        assertThat(parts.gradients).hasSameSizeAs(whole.gradients);
        for (int i = 0; i < whole.gradients.length; i++) {
          assertThat(parts.gradients[i]).isCloseTo(whole.gradients[i], within(1e-6f));
        }
      }
    }
  }

  @Test
  void ifEveryTargetCountsAllMicroStepsHaveEqualWeights() {
    try (Batch batch = new Batch(3, 5)) {
      for (int count = 1; count < 1000; count++) {
        assertThat(batch.weight(count * batch.tokens())).isEqualTo(1f / count);
      }
    }
  }

  private record Step(float loss, float[] gradients) {}

  /** The same rows in micro-steps of {@code rows} each. */
  private static Step step(CpuBackend backend, int rows) {
    try (Gpt model = new Gpt(CONFIG, backend, 5);
        Batch batch = new Batch(rows, CONTEXT)) {
      model.plan(rows, CONTEXT);
      try (MicroSteps steps = new MicroSteps(model, MicroStepsTest::fill, batch, ROWS / rows, 1)) {
        model.zeroGradients();
        assertThat(steps.run(0, () -> false)).isTrue();
      }
      float[] gradients = backend.readFloatsBlocking(model.parameters().gradients());
      return new Step(model.readLossBlocking(), gradients);
    }
  }

  private static void fill(Batch batch, int step, int microStep) {
    batch.clear();
    for (int row = 0; row < batch.batch(); row++) {
      int number = microStep * batch.batch() + row;
      for (int t = 0; t < CONTEXT; t++) {
        long at = (long) row * CONTEXT + t;
        batch.inputs().setAtIndex(ValueLayout.JAVA_INT, at, (number * 31 + t * 7) % VOCAB);
        if (t >= CONTEXT - COMPLETIONS[number]) {
          batch.targets().setAtIndex(ValueLayout.JAVA_INT, at, (number * 31 + t * 7 + 7) % VOCAB);
        }
      }
    }
  }
}
