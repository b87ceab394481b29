package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.nn.Bigram;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SampledLossTest {
  private static final int VOCAB = 5;
  private static final int TIME = 6;

  private final Backend backend = new CpuBackend(1);
  private final Bigram model = new Bigram(VOCAB, backend, 3);
  private final Batch batch = new Batch(1, TIME);

  @AfterEach
  void close() {
    batch.close();
    model.close();
    backend.close();
  }

  /** Batch i has i + 1 counted targets, or all targets count. */
  private static final class Counting implements Batches {
    private final boolean everyTargetCounts;
    private int fills;

    Counting(boolean everyTargetCounts) {
      this.everyTargetCounts = everyTargetCounts;
    }

    @Override
    public void fill(Batch batch, int step, int microStep) {
      fills++;
      for (int t = 0; t < TIME; t++) {
        boolean counts = everyTargetCounts || t <= step;
        batch.set(0, t, (step + t) % VOCAB, counts ? (step * t + 1) % VOCAB : Batch.IGNORE);
      }
    }

    @Override
    public boolean everyTargetCounts() {
      return everyTargetCounts;
    }
  }

  @Test
  void targetsAreCountedOnce() {
    model.plan(1, TIME);
    Counting batches = new Counting(false);
    SampledLoss loss = new SampledLoss(model, batches, batch);

    float first = loss.of(3, () -> false);
    assertThat(batches.fills).isEqualTo(3 + 3);
    assertThat(loss.of(3, () -> false)).isEqualTo(first);
    assertThat(loss.of(1, () -> false)).isNotEqualTo(first);
    assertThat(batches.fills).isEqualTo(3 + 3 + 3 + 1);
    loss.of(4, () -> false);
    assertThat(batches.fills).isEqualTo(3 + 3 + 3 + 1 + 1 + 4);
  }

  @Test
  void ifEveryTargetCountsBatchesAreFilledOnce() {
    model.plan(1, TIME);
    Counting batches = new Counting(true);
    SampledLoss loss = new SampledLoss(model, batches, batch);

    loss.of(3, () -> false);

    assertThat(batches.fills).isEqualTo(3);
  }

  /** All counted targets have equal weights: 1 + 2 of them in two batches. */
  @Test
  void isTheMeanOverAllTargetsThatCount() {
    model.plan(1, TIME);
    Counting batches = new Counting(false);
    SampledLoss loss = new SampledLoss(model, batches, batch);

    float both = loss.of(2, () -> false);
    float first = loss.of(1, () -> false);
    batches.fill(batch, 1, 0);
    model.load(batch.inputs(), batch.targets());
    model.zeroLoss();
    model.forward();
    model.loss(1);

    assertThat(both).isCloseTo((first + 2 * model.readLossBlocking()) / 3, within(1e-6f));
  }

  @Test
  void givesUpWhenToldAndStaysInTrainingMode() {
    model.plan(1, TIME);

    assertThat(new SampledLoss(model, new Counting(true), batch).of(3, () -> true)).isNull();
    assertThat(model.isTraining()).isTrue();
  }
}
