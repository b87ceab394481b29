package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.data.DataException;
import dev.culebra.data.Dataset;
import dev.culebra.data.Learner;
import dev.culebra.data.Measurement;
import dev.culebra.data.Showcase;
import dev.culebra.data.Split;
import dev.culebra.nn.Bigram;
import dev.culebra.text.CharTokenizer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The default measurement of a dataset. */
class EvaluationTest {
  private static final int BATCH = 3;
  private static final int TIME = 4;

  private final Backend backend = new CpuBackend(1);
  private final Bigram model = new Bigram(5, backend, 3);

  @AfterEach
  void nothingLeaks() {
    model.close();
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  /** In batch i the first i % 5 targets of every row count. */
  private record Growing(String name, int most) implements Dataset {
    @Override
    public CharTokenizer tokenizer() {
      return CharTokenizer.of("abcde");
    }

    @Override
    public Batches batches(Split split, long seed) {
      return (batch, step, microStep) -> {
        for (int row = 0; row < batch.batch(); row++) {
          for (int t = 0; t < batch.context(); t++) {
            boolean counts = split == Split.VALIDATION && t < Math.min(most, step % 5);
            batch.set(row, t, (step + row + t) % 5, counts ? (step * t) % 5 : Batch.IGNORE);
          }
        }
      };
    }

    @Override
    public Showcase showcase(Learner learner) {
      throw new UnsupportedOperationException("nothing is shown here");
    }
  }

  @Test
  void allCountedTargetsHaveEqualWeights() {
    Growing data = new Growing("growing", TIME);
    double sum = 0;
    int targets = 0;
    try (Batch batch = new Batch(1, 1)) {
      model.planInference(1, 1);
      for (int step = 0; step < Dataset.MEASURED_BATCHES; step++) {
        for (int row = 0; row < BATCH; row++) {
          for (int t = 0; t < step % 5; t++, targets++) {
            batch.set(0, 0, (step + row + t) % 5, (step * t) % 5);
            model.load(batch.inputs(), batch.targets());
            model.zeroLoss();
            model.forward();
            model.loss(1);
            sum += model.readLossBlocking();
          }
        }
      }
    }

    Measurement found = Evaluation.of(model, data, BATCH, TIME);

    assertThat(found.figures()).containsEntry("tokens", (long) targets);
    assertThat((double) found.figures().get("loss")).isCloseTo(sum / targets, within(1e-5));
    assertThat(found.text()).startsWith("growing, validation part, 600 tokens: loss ");
  }

  @Test
  void withoutCountedTargetsNothingIsMeasured() {
    assertThatThrownBy(() -> Evaluation.of(model, new Growing("none", 0), BATCH, TIME))
        .isInstanceOf(DataException.class)
        .hasMessage("no target counts in 100 batches");
  }
}
