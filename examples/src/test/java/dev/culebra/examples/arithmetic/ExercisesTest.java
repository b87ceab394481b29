package dev.culebra.examples.arithmetic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.data.Corpora;
import dev.culebra.data.DataException;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.Preset;
import dev.culebra.optim.Optimizer;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainOptions;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ExercisesTest {
  private final Corpora corpora = new Corpora(Path.of("nowhere")).with(new Exercises());

  @Test
  void problemsAreFoundByNameForAModelThatReadsThem() throws IOException {
    Arithmetic calculator = new Arithmetic(Arithmetic.Kind.CALCULATOR, 3);
    assertThat(corpora.dataset("calculator-3", TokenizerChoice.GPT2)).isEqualTo(calculator);
    assertThat(corpora.dataset("calculator-3", calculator.tokenizer(), false))
        .isEqualTo(calculator);
    assertThat(corpora.settled("addition")).isEqualTo("addition-2");
    assertThatThrownBy(() -> corpora.dataset("addition", calculator.tokenizer(), false))
        .isInstanceOf(DataException.class)
        .hasMessage("addition-2 is written in other characters than the model reads");
    assertThatThrownBy(() -> corpora.dataset("gone", TokenizerChoice.CHAR))
        .hasMessageEndingWith(", addition, calculator");
    assertThatThrownBy(() -> corpora.dataset("gone", TokenizerChoice.CHAR))
        .hasMessageEndingWith(", addition, calculator");
  }

  private static TrainConfig config(TrainOptions told) {
    return told.config(Exercises.options(told));
  }

  @Test
  void problemsHaveTheirContextAndTheCalculatorAModelUnlessOneIsNamed() {
    TrainConfig nano = new TrainOptions().config();
    TrainConfig sums = config(new TrainOptions().data("addition-3"));
    assertThat(sums.model(13)).isEqualTo(nano.model(13).withContext(11));
    assertThat(sums.steps()).isEqualTo(1500);

    TrainConfig calculator = config(new TrainOptions().data("calculator"));
    assertThat(calculator.context()).isEqualTo(10);
    assertThat(calculator.embd()).isLessThan(nano.embd());
    assertThat(calculator.optimizer()).isEqualTo(Optimizer.Kind.MUON);
    TrainConfig named = config(new TrainOptions().data("calculator").preset(Preset.NANO));
    assertThat(named.context()).isEqualTo(10);
    assertThat(named.embd()).isEqualTo(nano.embd());
    assertThat(named.optimizer()).isEqualTo(nano.optimizer());
    assertThat(config(new TrainOptions().data("calculator").steps(7).embd(8)))
        .extracting(TrainConfig::steps, TrainConfig::embd)
        .containsExactly(7, 8);
    assertThat(config(new TrainOptions().data("addition").minutes(1f)).steps())
        .isEqualTo(TrainConfig.ANY_STEPS);
  }
}
