package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A checkpoint that cannot be written: the previous one survives, and the run can be resumed later.
 */
class SaveFailureTest {
  private static final int STEPS = 3;

  @TempDir Path folder;
  private RunFolder run;

  @BeforeEach
  void place() {
    run = new RunFolder(folder.resolve("run"));
  }

  /** A limit on file sizes replaces a full disk, since it needs no privileges. */
  @Test
  void ifAFileCannotGrowThePreviousCheckpointSurvives() throws Exception {
    byte[] before = trainAndAskForMore();

    Outcome failed = finish("ulimit -f 64; exec \"$@\"", run.path());

    assertCheckpointSurvived(failed, before, run);
  }

  @Test
  void onAFullDiskThePreviousCheckpointSurvives() throws Exception {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    assumeTrue(shell("mount -t tmpfs -o size=2m tmpfs " + mount) == 0, "cannot mount a tmpfs");
    try {
      run = new RunFolder(mount.resolve("run"));
      byte[] before = trainAndAskForMore();
      shell("head -c 10M /dev/zero > " + mount.resolve("filler"));
      shell("truncate -s -8K " + mount.resolve("filler"));

      Outcome failed = finish("exec \"$@\"", run.path());

      assertThat(failed.err()).contains("bytes needed");
      Files.delete(mount.resolve("filler"));
      assertCheckpointSurvived(failed, before, run);
    } finally {
      shell("umount " + mount);
    }
  }

  @Test
  void aDirectoryThatCannotBeWrittenIsNamed() throws IOException {
    Path locked = Files.createDirectory(folder.resolve("locked"));
    Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("r-xr-xr-x"));
    assumeTrue(!Files.isWritable(locked), "this user may write everywhere");

    Outcome.of("train", "--data=macbeth", "--out=" + locked.resolve("run"))
        .assertFails(1, "cannot create directory .*: permission denied: .*locked.*");
  }

  @Test
  void twoProcessesCannotTrainInOneDirectory() throws Exception {
    try (Program first =
        Program.start(folder, run.train("--data=macbeth", "--steps=1000000000", "--log-every=1"))) {
      first.await(() -> run.lastStep() > 0);

      Outcome.of("train", "--resume", "--out", run.path().toString())
          .assertFails(1, "another process is training in .*run");
      Outcome.of(run.train("--data=macbeth"))
          .assertFails(1, "another process is training in .*run");
      first.await(() -> true);
    }
  }

  /** Trains, then sets more steps in the configuration; returns the checkpoint. */
  private byte[] trainAndAskForMore() throws IOException {
    String[] flags = {"--data=macbeth", "--log-every=1", "--embd=32", "--steps=" + STEPS};
    List<String> args = new ArrayList<>(List.of(run.train(flags)));
    args.remove("--embd=16");
    Outcome trained = Outcome.of(args.toArray(String[]::new));
    assertThat(trained.exitCode()).as(trained.err()).isZero();
    run.setSteps(2 * STEPS);
    return Files.readAllBytes(run.last());
  }

  private static int shell(String script) throws Exception {
    return new ProcessBuilder("sh", "-c", script).redirectErrorStream(true).start().waitFor();
  }

  /** Resumes the run in a shell that first runs a command. */
  private Outcome finish(String script, Path directory) throws Exception {
    List<String> command = new ArrayList<>(List.of("bash", "-c", script, "bash"));
    command.addAll(Program.commandLine("train", "--resume", "--out", directory.toString()));
    try (Program program = Program.start(folder, command)) {
      return program.finish();
    }
  }

  private static void assertCheckpointSurvived(Outcome failed, byte[] before, RunFolder run)
      throws IOException {
    assertThat(failed.exitCode()).isEqualTo(1);
    assertThat(failed.out()).isEmpty();
    assertThat(failed.err().lines().filter(line -> line.startsWith("culebra: ")))
        .singleElement()
        .asString()
        .startsWith("culebra: cannot write " + run.path() + "/checkpoint/");
    assertThat(failed.err()).doesNotContain("\tat ");
    assertThat(Files.readAllBytes(run.last())).isEqualTo(before);
    assertThat(run.files()).noneMatch(file -> file.endsWith(".tmp"));

    Outcome resumed = Outcome.of("train", "--resume", "--out", run.path().toString());
    assertThat(resumed.err()).contains("continues after step " + STEPS);
    assertThat(resumed.exitCode()).isZero();
  }
}
