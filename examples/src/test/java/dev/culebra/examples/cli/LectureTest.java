package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LectureTest {
  private static final Pattern VALIDATION_LOSS = Pattern.compile("validation loss ([0-9.]+)");

  private static Outcome lecture(String line) {
    Outcome outcome = Outcome.of(("lecture " + line).split(" "));
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    return outcome;
  }

  private static List<Double> validationLosses(Outcome outcome) {
    return VALIDATION_LOSS
        .matcher(outcome.out())
        .results()
        .map(loss -> Double.valueOf(loss.group(1)))
        .toList();
  }

  /** The programs fail if a claim does not hold. */
  @ParameterizedTest
  @CsvSource({
    "attention-1, the first position has only itself",
    "attention-2, equals the loops",
    "attention-3, the weights are attention-2's",
    "attention-3, equals the loops",
    "attention-4, the library's fused attention gives the same",
    "attention-4, larger scores sharpen softmax",
    "encoder-vs-decoder, an encoder's tokens all see it",
    "encoder-vs-decoder, 'a decoder''s tokens before it do not'"
  })
  void theProgramsCheckTheirClaims(String name, String claim) {
    assertThat(lecture(name).out()).contains("checked: " + claim);
  }

  @Test
  void theFirstThreeStepsGiveTheSameAverages() {
    String averages =
        lecture("attention-1").out().split("including itself\n")[1].split("checked")[0];
    assertThat(lecture("attention-2").out()).contains(averages);
    assertThat(lecture("attention-3").out()).contains(averages);
  }

  @Test
  void bigramsLearnFromOneCharacter() {
    Outcome bigram = lecture("bigram --data macbeth --steps 400 --tokens 50");
    List<Double> losses = validationLosses(bigram);
    assertThat(losses.getFirst()).isGreaterThan(4);
    assertThat(losses.getLast()).isBetween(2.3, 2.8);
    assertThat(lecture("bigram --data macbeth --steps 400 --tokens 50")).isEqualTo(bigram);
  }

  @Test
  void theTinyGptTrainsAndWrites() {
    Outcome gpt =
        lecture(
            "tiny-gpt --data macbeth --layers 2 --heads 2 --embd 32 --context 16 --batch 8"
                + " --steps 200 --lr 3e-3 --eval-every 100 --tokens 20");
    List<Double> losses = validationLosses(gpt);
    assertThat(losses).hasSize(3);
    assertThat(losses.getLast()).isLessThan(2.9);
    // 65 characters: two tables, positions, two blocks with biases, the last layernorm.
    int parameters = 2 * 65 * 32 + 16 * 32 + 2 * (12 * 32 * 32 + 9 * 32 + 4 * 32) + 2 * 32;
    assertThat(gpt.out()).startsWith("%,d parameters\n".formatted(parameters));
  }

  @Test
  void withoutANameTheListIsPrinted() {
    assertThat(lecture("--help").out()).isEqualTo(Outcome.of("lecture").out());
    assertThat(Outcome.of("lecture").out()).contains("bigram", "tiny-gpt", "attention-4");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bigram --steps 0 | --steps must be at least 1, not 0 .*",
        "tiny-gpt --heads 5 | .*heads.*",
        "tiny-gpt --data nowhere.txt | .*nowhere.txt.*",
        "attention-5 | unknown command 'attention-5'.*"
      })
  void mistakesAreReportedInOneLine(String line, String message) {
    Outcome outcome = Outcome.of(("lecture " + line).split(" "));
    outcome.assertFails(line.contains("nowhere") ? 1 : 2, message);
  }
}
