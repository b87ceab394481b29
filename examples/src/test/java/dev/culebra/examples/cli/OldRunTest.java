package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link OldRun} with the current program. */
class OldRunTest {
  @TempDir Path folder;
  private RunFolder run;

  @BeforeEach
  void copy() throws Exception {
    run = OldRun.copyTo(folder.resolve("run"));
  }

  private Outcome culebra(String... args) {
    Outcome outcome = Outcome.of(args);
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return outcome;
  }

  @Test
  void allCommandsAcceptIt() {
    String path = run.path().toString();

    assertThat(culebra("sample", "--run", path, "--tokens=20", "--seed=1").out()).isNotBlank();
    assertThat(culebra("eval", "--run", path).out()).contains("loss 4.15");
    culebra("report", path);
    culebra("train", "--init-from", path, "--data=macbeth", "--steps=2", "--out=" + path + "-2");
    assertThat(culebra("train", "--resume", "--out", path).err()).contains(" is finished, ");
  }

  @Test
  void itResumesWithTheSameLosses() {
    culebra("train", "--resume", "--out", run.path().toString(), "--steps=25", "--log-every=1");

    // The losses computed by the program of that day.
    float[] losses = {4.1585045f, 4.14317f, 4.1346054f, 4.1231728f, 4.157562f};
    assertThat(run.steps()).hasSize(4 + losses.length);
    for (int i = 0; i < losses.length; i++) {
      // Another kind of CPU adds in another order.
      assertThat(run.steps().get(4 + i).loss()).isCloseTo(losses[i], within(1e-4f));
    }
  }
}
