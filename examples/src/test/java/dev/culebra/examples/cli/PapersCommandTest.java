package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.examples.papers.Paper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PapersCommandTest {
  @TempDir Path folder;

  private Outcome papers(String... flags) {
    return papers(1, flags);
  }

  private Outcome papers(int seeds, String... flags) {
    List<String> args = new ArrayList<>(List.of("papers", "--data=macbeth"));
    args.addAll(RunFolder.TINY);
    args.addAll(List.of("--steps=40", "--seeds=" + seeds, "--rounds=1"));
    args.addAll(List.of(flags));
    return Outcome.of(args.toArray(String[]::new));
  }

  /** The cells of a paper's row. */
  private static List<String> row(Outcome outcome, String title) {
    String line =
        outcome
            .out()
            .lines()
            .filter(each -> each.startsWith("| " + title + " |"))
            .findFirst()
            .get();
    return Arrays.stream(line.substring(2, line.length() - 2).split(" \\| ", -1)).toList();
  }

  @Test
  void everyPaperHasARow() {
    Outcome outcome = papers("--lr=1e-2");

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    List<String> baseline = row(outcome, "baseline");
    for (Paper paper : Paper.values()) {
      List<String> cells = row(outcome, paper.title());
      assertThat(cells).hasSize(7);
      assertThat(cells.get(1).replace("`", "")).isEqualTo(TrainFlags.line(paper.options()));
      assertThat(Double.parseDouble(cells.get(3))).as("ms").isNotNegative();
      assertThat(Double.parseDouble(cells.get(4))).as("loss").isBetween(1.0, 4.0);
      assertThat(Integer.parseInt(cells.get(5).replace(",", ""))).as("steps").isPositive();
      assertThat(Double.parseDouble(cells.get(6))).as("loss in time").isBetween(1.0, 4.3);
    }
    assertThat(baseline.get(5)).isEqualTo("40");
    assertThat(baseline.get(6)).isEqualTo(baseline.get(4));
    // There is no table of positions.
    assertThat(parameters(row(outcome, "RoPE"))).isEqualTo(parameters(baseline) - 16 * 16);
    assertThat(row(outcome, "ReLU²").get(2)).isEqualTo(baseline.get(2));
  }

  private static int parameters(List<String> row) {
    return Integer.parseInt(row.get(2).replace(",", ""));
  }

  @Test
  void lossesEqualThoseOfTrain() throws Exception {
    String loss = row(papers("--only=muon", "--lr=1e-2"), "Muon").get(4);
    RunFolder run = new RunFolder(folder.resolve("run"));
    Outcome.of(
        run.train(
            "--data=macbeth", "--steps=40", "--eval-every=0", "--lr=1e-2", "--optimizer=muon"));

    assertThat(String.format("%.3f", run.steps().getLast().validationLoss())).isEqualTo(loss);
  }

  @Test
  void lossesAreMeansOverSeeds() {
    double first = loss(papers("--only=baseline"));
    double second = loss(papers("--only=baseline", "--seed=1338"));
    double both = loss(papers(2, "--only=baseline"));

    assertThat(second).isNotEqualTo(first);
    assertThat(both).isCloseTo((first + second) / 2, within(0.0011)); // three digits each
  }

  private static double loss(Outcome outcome) {
    return Double.parseDouble(row(outcome, "baseline").get(4));
  }

  @Test
  void aFailedRunIsShownAsADash() {
    Outcome outcome = papers("--only=rope", "--lr=1e30", "--clip=0", "--weight-decay=0");

    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(row(outcome, "RoPE").get(4)).isEqualTo("–");
    assertThat(outcome.err()).contains("RoPE, seed 1337: the ");
  }

  @Test
  void anInterruptEndsItAndLeavesNothingBehind() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    Map<String, String> environment =
        Map.of("JAVA_TOOL_OPTIONS", "-XX:-UsePerfData -Djava.io.tmpdir=" + temporary);
    List<String> command = Program.commandLine("papers", "--data=macbeth");
    try (Program program = Program.start(folder, environment, command)) {
      Outcome outcome = program.await(() -> trials(temporary) > 0).signal("TERM");

      assertThat(outcome.exitCode()).isEqualTo(143);
      assertThat(temporary).isEmptyDirectory();
    }
  }

  @Test
  void nothingIsLeftBehind() throws Exception {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    long before = trials(temporary);
    papers("--only=rope");
    assertThat(trials(temporary)).isEqualTo(before);
  }

  private static long trials(Path temporary) {
    try (var files = Files.list(temporary)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("culebra-paper-"))
          .count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void invalidValuesAreReportedInOneLine() {
    Outcome.of("papers", "--heads=1").assertFails(2, "--kv-heads must divide --heads: 2 and 1.*");
    Outcome.of("papers", "--only=adam")
        .assertFails(2, "invalid value for option '--only'.*'adam' is not one of .*");
    Outcome.of("papers", "--rounds=0").assertFails(2, "--rounds must be at least 1, not 0.*");
    assertThat(Outcome.of("papers", "--data=gone").err()).contains("culebra: no such data: gone ");
  }
}
