package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {
  @TempDir Path folder;

  private RunFolder run(String name) {
    return new RunFolder(folder.resolve(name));
  }

  private static String report(RunFolder run) throws IOException {
    return Files.readString(run.path().resolve("report.html"));
  }

  private static List<JsonNode> samples(RunFolder run) throws IOException {
    return Files.readAllLines(run.path().resolve("samples.jsonl")).stream()
        .map(ReportCommandTest::json)
        .toList();
  }

  private static JsonNode json(String text) {
    try {
      return JsonMapper.builder().build().readTree(text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void trainingStoresTheReportsData() throws Exception {
    RunFolder run = run("run");
    String[] flags = {"--data=macbeth", "--steps=6", "--eval-every=3", "--sample-every=2"};
    Outcome outcome = Program.run(folder, run.train(flags));

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(samples(run)).map(sample -> sample.get("step").intValue()).containsExactly(2, 4, 6);
    assertThat(samples(run).getLast().get("text").textValue())
        .isEqualTo(Files.readString(run.path().resolve("sample.txt")));
    JsonNode machine = json(Files.readString(run.path().resolve("machine.json")));
    assertThat(machine.get("processors").intValue()).isPositive();
    assertThat(machine.get("device").textValue()).startsWith("cpu");
    assertThat(machine.has("java_home")).isFalse();
    assertThat(report(run)).contains("status finished", "After step 4", "on <b>macbeth</b>");
  }

  @Test
  void runningAndKilledRunsHaveAReport() throws Exception {
    RunFolder run = run("run");
    String[] flags = {"--data=macbeth", "--steps=1000000000", "--log-every=1", "--sample-every=5"};
    String path = run.path().toString();
    try (Program program = Program.start(folder, run.train(flags))) {
      program.await(() -> hasSample(run));
      Outcome running = Program.run(folder, "report", path);
      assertThat(running.exitCode()).as(running.err()).isZero();
      assertThat(running.out()).isEqualTo(run.path().resolve("report.html") + "\n");
      assertThat(report(run)).contains("status running", "After step 5<");
      program.signal("KILL");
    }
    for (String file : List.of("metrics.jsonl", "samples.jsonl")) {
      Files.writeString(
          run.path().resolve(file), "{\"step\":99999999,\"lo", StandardOpenOption.APPEND);
    }
    assertThat(Outcome.of("report", path).exitCode()).isZero();
    assertThat(report(run)).contains("status stopped").doesNotContain("99999999");
  }

  /** Its line is written after the metrics of its step. */
  private static boolean hasSample(RunFolder run) {
    try {
      Path file = run.path().resolve("samples.jsonl");
      return Files.exists(file) && Files.readString(file).contains("\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aResumedRunKeepsItsSamples() throws Exception {
    RunFolder run = run("run");
    String[] flags = {
      "--data=macbeth", "--sample-every=2", "--save-every=4", "--schedule=constant"
    };
    Outcome.of(run.train(flags, "--steps=7"));
    run.setSteps(10);
    Outcome resumed = Outcome.of("train", "--resume", "--out", run.path().toString());
    RunFolder whole = run("whole");
    Outcome.of(whole.train(flags, "--steps=10"));

    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    assertThat(samples(run))
        .map(sample -> sample.get("step").intValue())
        .containsExactly(2, 4, 6, 7, 8, 10);
    assertThat(samples(run))
        .filteredOn(sample -> sample.get("step").intValue() != 7)
        .isEqualTo(samples(whole));
    assertThat(report(run)).contains("status finished", "After step 2<", "After step 10<");
  }

  @Test
  void samplingDoesNotChangeTheTraining() {
    RunFolder silent = run("silent");
    RunFolder talkative = run("talkative");
    String[] flags = {"--data=macbeth", "--steps=12", "--log-every=1", "--dropout=0.2"};
    Outcome.of(silent.train(flags, "--sample-every=0"));
    Outcome.of(talkative.train(flags, "--sample-every=1"));

    assertThat(talkative.steps()).hasSize(12).isEqualTo(silent.steps());
  }

  @Test
  void severalRunsAreCompared() throws Exception {
    RunFolder one = run("a/run");
    RunFolder two = run("b/run");
    Outcome.of(one.train("--data=macbeth", "--steps=3"));
    Outcome.of(two.train("--data=macbeth", "--steps=3", "--lr=0.01"));
    Outcome compared = Program.run(folder, "report", "a/run", "b/run");

    assertThat(compared).isEqualTo(new Outcome(0, "report.html\n", ""));
    assertThat(Files.readString(folder.resolve("report.html")))
        .contains("2 runs", "a/run", "b/run", "<td>0.001</td><td>0.01</td>");
    Outcome elsewhere = Program.run(folder, "report", "a/run", "--out", "a/page.html");
    assertThat(elsewhere.out()).isEqualTo("a/page.html\n");
    assertThat(folder.resolve("a/page.html")).isNotEmptyFile();
  }

  @Test
  void aRunOfAnOlderVersionHasAReport() throws Exception {
    RunFolder run = run("run");
    Outcome.of(run.train("--data=macbeth", "--steps=3"));
    Files.delete(run.path().resolve("samples.jsonl"));
    Files.delete(run.path().resolve("machine.json"));

    assertThat(Outcome.of("report", run.path().toString()).exitCode()).isZero();
    assertThat(report(run)).contains("After step 3", "the run has no machine.json");

    Path sample = run.path().resolve("sample.txt");
    Files.write(sample, new byte[] {'O', 'w', (byte) 0xC3}); // an incomplete character
    assertThat(Outcome.of("report", run.path().toString()).exitCode()).isZero();
    assertThat(report(run)).contains("Ow\uFFFD</pre>");
    Files.delete(sample);
    Files.createDirectory(sample);
    Outcome.of("report", run.path().toString()).assertFails(1, "cannot read .*sample.txt: .*");
  }

  @Test
  void invalidRunsAreReportedInOneLine() throws Exception {
    RunFolder run = run("run");
    String path = run.path().toString();
    Outcome.of(run.train("--data=macbeth", "--steps=3"));
    String before = report(run);

    Outcome.of("report").assertFails(2, "missing required parameter: 'RUN' .*");
    Outcome.of("report", path, path).assertFails(2, ".*run is given more than once .*");
    Outcome.of("report", path + "-not").assertFails(1, "no such run directory: .*run-not");
    Outcome.of("report", folder.toString())
        .assertFails(1, ".* is not a run directory: it has no config.json");
    Outcome.of("report", path, "--out", path)
        .assertFails(1, "cannot write .*run: it is a directory");
    Outcome.of("report", path, "--out", path + "/no/page.html")
        .assertFails(1, "cannot write .*page.html: no such file or directory: .*");
    assertDamaged(run, "config.json", "{\"layers\":0}", ".*config.json: layers must be .*");
    assertThat(report(run)).isEqualTo(before);
    assertThat(run.files()).noneMatch(file -> file.endsWith(".tmp"));
  }

  @Test
  void damagedPartsAreNamedAndSkipped() throws IOException {
    RunFolder run = run("run");
    Outcome.of(run.train("--data=macbeth", "--steps=4", "--log-every=1"));

    assertLeftOut(
        run, "metrics.jsonl", "x\n", "metrics.jsonl is damaged: line 1 is not a line of metrics");
    assertLeftOut(
        run, "samples.jsonl", "x\n", "samples.jsonl is damaged: line 1 is not a line of samples");
    assertLeftOut(run, "machine.json", "{", "machine.json is damaged: it is not valid JSON,");
    assertLeftOut(
        run, "machine.json", "[] //", "machine.json is damaged: it is not a JSON object,");
    assertLeftOut(run, "data.json", "{}", "data.json is damaged: it has no bytes_per_token,");

    Path metrics = run.path().resolve("metrics.jsonl");
    Files.writeString(metrics, "x\n" + Files.readString(metrics));
    Outcome resumed = Outcome.of("train", "--resume", "--out", run.path().toString(), "--steps=6");
    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    assertThat(resumed.err())
        .contains("metrics.jsonl is damaged: line 1 is not a line of metrics, so it is skipped\n");
    assertThat(run.steps()).hasSize(6);
  }

  /** Puts {@code content} before the file's content. */
  private static void assertLeftOut(RunFolder run, String name, String content, String said)
      throws IOException {
    Path file = run.path().resolve(name);
    String whole = Files.readString(file);
    Files.writeString(file, content + whole);
    Outcome outcome = Outcome.of("report", run.path().toString());
    Files.writeString(file, whole);

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err()).contains(said).hasLineCount(1);
  }

  @Test
  void otherFilesAreNotOverwritten() throws IOException {
    RunFolder run = run("run");
    Outcome.of(run.train("--data=macbeth", "--steps=2"));
    Path precious = Files.writeString(folder.resolve("thesis.html"), "<html>precious");
    String[] args = {"report", run.path().toString(), "--out", precious.toString()};

    Outcome.of(args)
        .assertFails(1, ".*thesis.html already exists and is not a report: --overwrite .*");
    assertThat(precious).hasContent("<html>precious");
    assertThat(Outcome.of(args[0], args[1], args[2], args[3], "--overwrite").exitCode()).isZero();
    assertThat(Outcome.of(args).exitCode()).isZero(); // a report may be replaced
  }

  private static void assertDamaged(RunFolder run, String name, String content, String line)
      throws IOException {
    Path file = run.path().resolve(name);
    byte[] whole = Files.readAllBytes(file);
    Files.writeString(file, content);
    Outcome.of("report", run.path().toString()).assertFails(1, line);
    Files.write(file, whole);
  }

  @Test
  void aFailedReportDoesNotStopARun() throws Exception {
    RunFolder run = run("run");
    Files.createDirectories(run.path().resolve("report.html"));
    Outcome outcome = Outcome.of(run.train("--data=macbeth", "--steps=9", "--eval-every=3"));

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err().lines().filter(line -> line.contains("report")))
        .containsExactly(
            "no report: cannot write %s: it is a directory; training continues"
                .formatted(run.path().resolve("report.html")));
    assertThat(run.lastStep()).isEqualTo(9);
  }

  @Test
  void aDashboardWorksForAnyRunAndItsPortIsOptional() throws Exception {
    RunFolder run = run("run");
    Outcome outcome = Outcome.of(run.train("--dashboard=0", "--data=macbeth", "--steps=3"));
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.err())
        .containsPattern("dashboard: http://(127\\.0\\.0\\.1|\\[::1]):\\d+/\n");
    run.setSteps(5);
    Outcome resumed =
        Outcome.of("train", "--resume", "--dashboard", "0", "--out", run.path().toString());
    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    assertThat(run.lastStep()).isEqualTo(5);

    // Without a port, the next option must not be taken as the port.
    Outcome fixed = Outcome.of(run("fixed").train("--dashboard", "--data", "macbeth", "--steps=3"));
    assertThat(fixed.err())
        .containsPattern(
            Pattern.compile("dashboard: http://.*:7337/\n|^culebra: .* on port 7337: .*in use"));
  }

  @Test
  void aFailedDashboardIsReportedInOneLineAndLeavesNoRun() throws IOException {
    RunFolder run = run("run");
    for (String port : List.of("65536", "-1")) {
      Outcome.of(run.train("--data=macbeth", "--dashboard=" + port))
          .assertFails(2, "--dashboard takes a port from 0 to 65535, not " + port + " .*");
    }
    Outcome.of(run.train("--data=macbeth", "--dashboard", "x"))
        .assertFails(2, "invalid value for option '--dashboard'.*: 'x' is not a whole number .*");
    try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
      Outcome.of(run.train("--data=macbeth", "--dashboard=" + taken.getLocalPort()))
          .assertFails(1, "cannot serve a dashboard on port \\d+: address already in use");
    }
    // A dashboard that never started must not keep the program from reporting the error and ending.
    Outcome.of("train", "--data=gone.txt", "--dashboard=0").assertFails(1, "no such data: .*");
    assertThat(run.path()).doesNotExist();
  }
}
