package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Standard output that fails, because the disk is full or there is no reader. */
class OutputFailureTest {
  @TempDir Path folder;

  @BeforeEach
  void copyRun() throws Exception {
    OldRun.copyTo(folder.resolve("run"));
  }

  /** Runs a command in a shell that redirects its output. */
  private Outcome shell(String script, String command) throws Exception {
    List<String> line = new ArrayList<>(List.of("bash", "-c", script, "bash"));
    line.addAll(Program.commandLine(command.split(" ")));
    try (Program program = Program.start(folder, line)) {
      return program.finish();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "help",
        "help train",
        "--version",
        "info",
        "data list",
        "data show macbeth",
        "completion",
        "sample --run run --tokens 5",
        "eval --run run",
        "report run"
      })
  void aFullDiskIsReportedInOneLine(String command) throws Exception {
    shell("\"$@\" >/dev/full", command)
        .assertFails(1, "cannot write to standard output: No space left on device");
  }

  @Test
  void aClosedPipeIsNotAFailure() throws Exception {
    Outcome outcome =
        shell("\"$@\" | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}", "data show macbeth");

    assertThat(outcome).isEqualTo(new Outcome(0, "0\n", ""));
  }
}
