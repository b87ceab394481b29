package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.examples.arithmetic.Arithmetic.Problem;
import dev.culebra.generate.Generator;
import dev.culebra.train.DeviceConfig;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model learns to calculate, with targets only in the answers. */
class ArithmeticTest {
  private static final Pattern EXACT =
      Pattern.compile(
          "exact answers on held-out problems: ([0-9.]+) % \\(([0-9,]+) of ([0-9,]+)\\)");
  private static final Pattern OPERATION =
      Pattern.compile("(?m)^  ([-+*/])  [0-9.]+ % \\((\\d+) of (\\d+)\\)$");
  private static final Pattern EXAMPLE =
      Pattern.compile("(?m)^\\d+ ([-+*/]) \\d+ = .*  (right|wrong, it is .*)$");

  @TempDir Path folder;

  private RunFolder run() {
    return new RunFolder(folder.resolve("run"));
  }

  private Outcome train(String data, String... flags) {
    List<String> args = new ArrayList<>(List.of("train", "--data=" + data));
    args.add("--out=" + run().path());
    args.addAll(List.of(flags));
    return Outcome.of(args.toArray(String[]::new));
  }

  private Outcome eval(String... flags) {
    List<String> args = new ArrayList<>(List.of("eval", "--run=" + run().path()));
    args.addAll(List.of(flags));
    return Outcome.of(args.toArray(String[]::new));
  }

  private static int number(String withCommas) {
    return Integer.parseInt(withCommas.replace(",", ""));
  }

  @Test
  void learnsSumsThatItHasNeverSeen() throws IOException {
    Outcome outcome =
        train(
            "addition",
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
    assertThat(OPERATION.matcher(outcome.out()).find()).isFalse();
    assertThat(eval().out()).contains(exact.group());
    JsonNode json = JsonMapper.builder().build().readTree(eval("--json").out());
    assertThat(json.get("problems").intValue()).isEqualTo(number(exact.group(3))).isEqualTo(966);
    assertThat(json.get("right").intValue()).isEqualTo(number(exact.group(2)));
  }

  /** Such a small model learns only a part, so that the counts are meaningful. */
  @Test
  void theReportOfACalculatorMatchesTheModelsAnswers() throws IOException {
    Outcome outcome =
        train(
            "calculator",
            "--layers=2",
            "--heads=2",
            "--embd=32",
            "--steps=400",
            "--lr=0.005",
            "--eval-every=0",
            "--sample-every=0");
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(outcome.err()).contains("--prompt \"").contains("--temperature 0");

    Map<String, Integer> counted = recount();
    Map<String, Integer> printed = new TreeMap<>();
    Matcher operation = OPERATION.matcher(outcome.out());
    while (operation.find()) {
      printed.put(operation.group(1), number(operation.group(2)));
      assertThat(operation.group(3)).isEqualTo("940");
    }
    assertThat(printed).isEqualTo(counted).hasSize(4);
    Matcher exact = EXACT.matcher(outcome.out());
    assertThat(exact.find()).isTrue();
    int total = counted.values().stream().mapToInt(Integer::intValue).sum();
    assertThat(number(exact.group(2))).isEqualTo(total).isBetween(100, 3700);
    assertThat(number(exact.group(3))).isEqualTo(4 * 940);
    assertThat(
            EXAMPLE.matcher(outcome.out()).results().map(line -> line.group(1)).distinct().toList())
        .containsExactly("+", "-", "*", "/");
    assertThat(EXAMPLE.matcher(outcome.out()).results()).hasSize(12);
    assertThat(eval().out().strip()).isEqualTo(outcome.out().strip());
    assertJson(counted, total);
  }

  private void assertJson(Map<String, Integer> counted, int total) throws IOException {
    JsonNode json = JsonMapper.builder().build().readTree(eval("--json").out());
    assertThat(json.get("right").intValue()).isEqualTo(total);
    assertThat(json.get("problems").intValue()).isEqualTo(4 * 940);
    counted.forEach(
        (symbol, right) -> {
          JsonNode operation = json.get("operations").get(symbol);
          assertThat(operation.get("right").intValue()).isEqualTo(right);
          assertThat(operation.get("problems").intValue()).isEqualTo(940);
        });
  }

  /**
   * Counts the right answers of each operation, generated token by token; the right answers are
   * computed here.
   */
  private Map<String, Integer> recount() throws IOException {
    Map<String, Integer> right = new TreeMap<>(Map.of("+", 0, "-", 0, "*", 0, "/", 0));
    Arithmetic data = new Arithmetic(Arithmetic.Kind.CALCULATOR, 2);
    try (TrainedModel trained = TrainedModel.open(run().path(), DeviceConfig.CPU);
        Generator generator = new Generator(trained.model())) {
      for (Problem problem : data.heldOut(2000)) {
        int[] prompt = trained.tokenizer().encode(data.question(problem));
        int[] tokens = generator.generate(prompt, 5, new SamplingSpec(0, 0, 1), 1);
        if (trained.tokenizer().decode(tokens).equals(answer(problem))) {
          right.merge(Character.toString(problem.operation().symbol()), 1, Integer::sum);
        }
      }
    }
    return right;
  }

  private static String answer(Problem problem) {
    int a = problem.a();
    int b = problem.b();
    return switch (problem.operation()) {
      case PLUS -> turned("%03d", a + b) + "\n\n";
      case MINUS -> (a >= b ? "+" : "-") + turned("%02d", Math.abs(a - b)) + "\n\n";
      case TIMES -> turned("%04d", a * b) + "\n";
      case DIVIDED_BY -> "%02dr".formatted(a / b) + turned("%02d", a - a / b * b);
    };
  }

  private static String turned(String format, int number) {
    return new StringBuilder(format.formatted(number)).reverse().toString();
  }

  @Test
  void resumesAndAnswersAQuestion() throws IOException {
    Outcome outcome =
        train("calculator", "--digits=1", "--layers=1", "--heads=2", "--embd=16", "--steps=5");
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(run().config().get("data").asText()).isEqualTo("calculator-1");
    run().setSteps(8);
    Outcome resumed = Outcome.of("train", "--resume", "--out=" + run().path());
    assertThat(resumed.exitCode()).as("%s", resumed).isZero();
    assertThat(resumed.out()).contains("exact answers on held-out problems: ");

    Outcome answer =
        Outcome.of("sample", "--run=" + run().path(), "--prompt=8/3=", "--temperature=0");
    assertThat(answer.exitCode()).isZero();
    assertThat(answer.out()).startsWith("8/3=").hasLineCount(1);
    Outcome.of("sample", "--run=" + run().path(), "--prompt=8%3=")
        .assertFails(1, "prompt: character 2 of the text, '%'.*");
    eval("--data=calculator").assertFails(1, ".* of 2 digits need a context of 10 tokens, not 6");
    eval("--whole")
        .assertFails(
            2, "--whole is for a text or a .jsonl: calculator-1 cannot be measured as a whole .*");
    eval("--data=addition").assertFails(1, "addition-2 is written in other characters .*");
    Outcome.of(
            "train", "--init-from=" + run().path(), "--data=addition", "--out=" + folder + "/other")
        .assertFails(1, "addition-2 is written in other characters than the model reads");
    assertThat(folder.resolve("other")).doesNotExist();
  }

  @Test
  void mistakesAreReportedInOneLine() {
    train("macbeth", "--digits=2")
        .assertFails(2, "--digits goes with --data addition or --data calculator only.*");
    train("calculator-3", "--digits=2").assertFails(2, "--digits goes with .*");
    train("addition", "--digits=9")
        .assertFails(2, "addition takes numbers of 1 to 8 digits, not 9 .*");
    for (String digits : new String[] {"0", "-1", "99", "4000"}) {
      train("calculator", "--digits=" + digits)
          .assertFails(2, "calculator takes numbers of 1 to 8 digits, not " + digits + " .*");
    }
    train("addition", "--context=64")
        .assertFails(1, "sums of two numbers of 2 digits need a context of 8 tokens, not 64");
    train("calculator", "--context=7")
        .assertFails(1, ".* with two numbers of 2 digits need a context of 10 tokens, not 7");
    Outcome.of("data", "prepare", "calculator", "--out=" + folder.resolve("tokens"))
        .assertFails(1, "calculator is generated on the fly: it has no text");
    assertThat(run().path()).doesNotExist();
  }

  @Test
  void showsProblemsAsTheyAreWritten() {
    assertThat(Outcome.of("data", "show", "calculator").out())
        .startsWith("calculator: + - * / with two numbers of 2 digits, one in 10 held out\n\n")
        .containsPattern("(?m)^\\d\\d/\\d\\d=\\d\\dr\\d\\d +\\d+ / \\d+ = \\d+ remainder \\d+$")
        .hasLineCount(2 + 4 * 4);
    assertThat(Outcome.of("data", "list").out()).contains("addition ").contains("calculator ");
  }
}
