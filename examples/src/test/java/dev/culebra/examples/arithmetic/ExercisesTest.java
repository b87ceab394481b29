package dev.culebra.examples.arithmetic;

import static dev.culebra.train.DataConfig.DATA;
import static dev.culebra.train.TrainingConfig.STEPS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.data.Corpora;
import dev.culebra.data.DataException;
import dev.culebra.data.DataSpec;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Options;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ExercisesTest {
  private final Corpora corpora = new Corpora(Path.of("nowhere")).with(new Exercises());

  @Test
  void problemsAreFoundByNameForAModelThatReadsThem() throws IOException {
    Arithmetic calculator = new Arithmetic(Arithmetic.Kind.CALCULATOR, 3);
    assertThat(corpora.dataset(DataSpec.of("calculator-3"), TokenizerChoice.GPT2))
        .isEqualTo(calculator);
    assertThat(corpora.dataset(DataSpec.of("calculator-3"), calculator.tokenizer()))
        .isEqualTo(calculator);
    assertThat(corpora.settled("addition")).isEqualTo("addition-2");
    assertThatThrownBy(() -> corpora.dataset(DataSpec.of("addition"), calculator.tokenizer()))
        .isInstanceOf(DataException.class)
        .hasMessage("addition-2 is written in other characters than the model reads");
    assertThatThrownBy(() -> corpora.dataset(DataSpec.of("gone"), TokenizerChoice.CHAR))
        .hasMessageEndingWith(", addition, calculator");
    assertThatThrownBy(() -> corpora.dataset(DataSpec.of("gone"), TokenizerChoice.CHAR))
        .hasMessageEndingWith(", addition, calculator");
  }

  private static TrainConfig config(Options told) {
    return TrainConfig.of(told, Exercises.options(told));
  }

  @Test
  void problemsHaveTheirContextAndTheCalculatorAModelUnlessOneIsNamed() {
    TrainConfig nano = TrainConfig.of(Options.NONE);
    TrainConfig sums = config(Options.NONE.with(DATA, "addition-3"));
    assertThat(sums.model()).isEqualTo(nano.model().with(GptConfig.CONTEXT, 11));
    assertThat(sums.training().steps()).isEqualTo(1500);

    Options calculator = Options.NONE.with(DATA, "calculator");
    TrainConfig own = config(calculator);
    assertThat(own.model().context()).isEqualTo(10);
    assertThat(own.model().embd()).isLessThan(nano.model().embd());
    assertThat(own.training().optimizer()).isEqualTo(Optimizer.Kind.MUON);
    TrainConfig named = config(calculator.with(TrainConfig.PRESET, Preset.NANO));
    assertThat(named.model().context()).isEqualTo(10);
    assertThat(named.model().embd()).isEqualTo(nano.model().embd());
    assertThat(named.training().optimizer()).isEqualTo(nano.training().optimizer());
    TrainConfig small = config(calculator.with(STEPS, 7).with(GptConfig.EMBD, 8));
    assertThat(small.training().steps()).isEqualTo(7);
    assertThat(small.model().embd()).isEqualTo(8);
    Options minute = Options.NONE.with(DATA, "addition").with(TrainingConfig.MINUTES, 1f);
    assertThat(config(minute).training().steps()).isEqualTo(TrainingConfig.ANY_STEPS);
  }
}
