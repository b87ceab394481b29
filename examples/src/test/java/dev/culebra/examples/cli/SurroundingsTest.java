package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culebra.examples.TrainInTwentyLines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same bits in any environment: language, number of processors, folder names. */
class SurroundingsTest {
  private static final String[] FLAGS = {
    "--data=texte/größe ı.txt", "--steps=12", "--eval-every=6", "--log-every=1", "--dropout=0.1"
  };
  private static final String TEXT = "Größe, ıssız, 1.234,5; the cat sat on the mat.\n";

  @TempDir static Path folder;
  private static RunFolder here;

  /** In a folder with spaces and letters that are not ASCII. */
  @BeforeAll
  static void train() throws Exception {
    Path place = Files.createDirectories(folder.resolve("cul ébra/texte"));
    Files.writeString(place.resolve("größe ı.txt"), TEXT.repeat(60));
    here = run("hier");
    assertThat(here.files()).contains("checkpoint/best.safetensors", "report.html");
  }

  @ParameterizedTest
  @CsvSource({"tr, TR, 1", "de, DE, 64", "ar, EG, 3"})
  void languageAndProcessorsChangeNothing(String language, String country, int processors)
      throws Exception {
    RunFolder there =
        run(
            language,
            "-Duser.language=" + language,
            "-Duser.country=" + country,
            "-XX:ActiveProcessorCount=" + processors);

    assertThat(there.steps()).isEqualTo(here.steps());
    assertThat(sample(there)).isEqualTo(sample(here));
  }

  @ParameterizedTest
  @CsvSource({"tr, TR, 1", "ar, EG, 64"})
  void languageAndProcessorsChangeNothingInTheLibrary(
      String language, String country, int processors) throws Exception {
    List<String> plain = library();
    List<String> other =
        library(
            "-Duser.language=" + language,
            "-Duser.country=" + country,
            "-XX:ActiveProcessorCount=" + processors);

    assertThat(plain).anyMatch(line -> line.startsWith("loss ")).hasSizeGreaterThan(2);
    assertThat(other).isEqualTo(plain);
  }

  @Test
  void aNoexecTemporaryFolderWorks() throws Exception {
    List<String> mounting = List.of("unshare", "--map-root-user", "--mount", "bash", "-c");
    String mount = "mount -t tmpfs -o noexec tmpfs \"$0\" && \"$@\"";
    Path temporary = Files.createDirectories(folder.resolve("noexec"));
    List<String> prefix = new ArrayList<>(mounting);
    prefix.addAll(List.of(mount, temporary.toString()));
    assumeTrue(succeeds(prefix, "true"), "a file system cannot be mounted here");

    RunFolder there = run("noexec", prefix, "-Djava.io.tmpdir=" + temporary);
    assertThat(there.steps()).isEqualTo(here.steps());
  }

  private static boolean succeeds(List<String> prefix, String command)
      throws IOException, InterruptedException {
    List<String> whole = new ArrayList<>(prefix);
    whole.add(command);
    try {
      return new ProcessBuilder(whole).start().waitFor() == 0;
    } catch (IOException e) {
      return false; // there is no unshare
    }
  }

  private static RunFolder run(String name, String... jvmFlags) throws Exception {
    return run(name, List.of(), jvmFlags);
  }

  /** Trains in {@code cul ébra/läufe/NAME}, all paths relative, and then samples. */
  private static RunFolder run(String name, List<String> prefix, String... jvmFlags)
      throws Exception {
    Path place = folder.resolve("cul ébra");
    RunFolder relative = new RunFolder(Path.of("läufe und so", name));
    Outcome outcome = program(place, prefix, Program.commandLine(relative.train(FLAGS)), jvmFlags);
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return new RunFolder(place.resolve(relative.path()));
  }

  private static Outcome program(
      Path place, List<String> prefix, List<String> commandLine, String... jvmFlags)
      throws Exception {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(commandLine);
    command.addAll(prefix.size() + 1, List.of(jvmFlags));
    try (Program program = Program.start(place, Map.of("LC_ALL", "C.UTF-8"), command)) {
      return program.finish();
    }
  }

  private static String sample(RunFolder run) throws IOException {
    return Files.readString(run.path().resolve("sample.txt"));
  }

  /** The output of a program that uses only the library and does not set a language. */
  private static List<String> library(String... jvmFlags) throws Exception {
    List<String> line = new ArrayList<>(Program.commandLine());
    line.removeLast();
    line.addAll(List.of(TrainInTwentyLines.class.getName(), "30"));
    Outcome outcome = program(folder, List.of(), line, jvmFlags);
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return outcome.out().lines().toList();
  }
}
