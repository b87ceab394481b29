package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.nn.GptConfig;
import dev.culebra.options.Options;
import dev.culebra.train.Progress;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StepLineTest {
  /** 100 tokens per step. */
  private static final Options OPTIONS =
      Options.NONE.with(TrainingConfig.BATCH, 10).with(GptConfig.CONTEXT, 10);

  private final StepLine line =
      new StepLine(Progress.START, TrainConfig.of(OPTIONS.with(TrainingConfig.STEPS, 2000)), false);

  @BeforeEach
  void tell() {
    line.stepTo(820);
    line.show(metrics(2.0124f));
    line.show(metrics(null));
  }

  private static Metrics metrics(Float validation) {
    return new Metrics(820, 1.9312f, validation, 1e-3f, 1f, 2000, 41);
  }

  @Test
  void theLeastImportantPartsAreDroppedFirst() {
    assertThat(line.text(200))
        .isEqualTo(
            "step  820/2000 ━━━━━━━━━━━━━━━━────────────────────────"
                + "  loss 1.9312  val loss 2.0124  2,000 tokens/s  0:59 left");
    assertThat(line.text(70))
        .matches("step  820/2000 ━+─+  loss 1\\.9312  val loss 2\\.0124  0:59 left")
        .hasSize(70);
    assertThat(line.text(50)).matches("step  820/2000 ━+─+  loss 1\\.9312  0:59 left").hasSize(50);
    assertThat(line.text(40)).matches("step  820/2000 ━+─+  loss 1\\.9312").hasSize(40);
    assertThat(line.text(30)).matches("step  820/2000 ━+─+").hasSize(30);
    assertThat(line.text(20)).isEqualTo("step  820/2000");
    assertThat(line.text(5)).isEqualTo("step ");
    assertThat(line.text(0)).isEmpty();
  }

  @Test
  void aRunThatEndsByTimeShowsItsFractionOfTheTime() {
    StepLine timed =
        new StepLine(
            Progress.START, TrainConfig.of(OPTIONS.with(TrainingConfig.MINUTES, 1f)), false);
    timed.stepTo(820);
    timed.show(metrics(null));

    assertThat(timed.text(200))
        .matches("step 820 ━{27}─{13}  loss 1\\.9312  2,000 tokens/s  0:19 left");
  }

  @Test
  void noWidthIsExceeded() {
    for (int columns = 0; columns < 200; columns++) {
      assertThat(line.text(columns).length()).isLessThanOrEqualTo(columns);
    }
  }
}
