package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model learns sums, with targets on the answer alone. */
class AdditionTest {
  private static final Pattern EXACT =
      Pattern.compile("exact answers on held-out problems: ([0-9.]+) % \\((\\d+) of (\\d+)\\)");

  @TempDir Path folder;

  private Outcome train(String... flags) {
    List<String> args =
        new ArrayList<>(List.of("train", "--data=addition", "--out=" + folder.resolve("run")));
    args.addAll(Arrays.asList(flags));
    return Outcome.of(args.toArray(String[]::new));
  }

  @Test
  void learnsSumsThatItHasNeverSeen() {
    Outcome outcome =
        train(
            "--layers=2",
            "--heads=2",
            "--embd=64",
            "--steps=700",
            "--lr=0.003",
            "--eval-every=0",
            "--sample-every=0");
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    Matcher exact = EXACT.matcher(outcome.out());
    assertThat(exact.find()).as(outcome.out()).isTrue();
    assertThat(Double.parseDouble(exact.group(1))).isGreaterThan(80);
    Outcome eval = Outcome.of("eval", "--run=" + folder.resolve("run"));
    assertThat(eval.out()).contains(exact.group());
    Outcome json = Outcome.of("eval", "--json", "--run=" + folder.resolve("run"));
    assertThat(json.out())
        .contains("\"problems\":" + exact.group(3))
        .contains("\"right\":" + exact.group(2));
  }

  @Test
  void digitsAreForSums() {
    Outcome.of("train", "--data=macbeth", "--digits=2", "--out=" + folder + "/no")
        .assertFails(2, "--digits goes with --data addition only.*");
    train("--digits=9").assertFails(1, "addition takes numbers of 1 to 8 digits, not 9");
    train("--context=64").assertFails(1, "sums of 2 digits need --context 8, not 64: leave it out");
  }
}
