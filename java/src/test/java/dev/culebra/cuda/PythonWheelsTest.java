package dev.culebra.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PythonWheelsTest {
  @TempDir private Path folder;
  private Path system;
  private Path environment;

  /** A Python, and a hidden virtual environment that links to it. */
  @BeforeEach
  void install() throws IOException {
    system = folder.resolve("system");
    environment = folder.resolve("torch/.venv");
    Path program = Files.createDirectories(system.resolve("bin")).resolve("python3.12");
    Files.writeString(program, "");
    assertThat(program.toFile().setExecutable(true)).isTrue();
    Path bin = Files.createDirectories(environment.resolve("bin"));
    Files.createSymbolicLink(bin.resolve("python"), program);
    Files.createSymbolicLink(bin.resolve("python3"), Path.of("python"));
  }

  private static Path wheel(Path root, String packages, String name) throws IOException {
    return Files.createDirectories(
        root.resolve("lib/python3.12").resolve(packages).resolve("nvidia").resolve(name + "/lib"));
  }

  private List<Path> found() {
    String path = "/nowhere::" + environment.resolve("bin");
    return PythonWheels.in(PythonWheels.onPath(path));
  }

  @Test
  void wheelsOfTheEnvironmentComeBeforeThoseOfThePythonItLinksTo() throws IOException {
    Path own = wheel(environment, "site-packages", "cu13");
    Path theirs = wheel(system, "dist-packages", "cublas");
    wheel(system, "site-packages", "cudnn");
    assertThat(found()).containsExactly(own, theirs);
  }

  @Test
  void anEnvironmentNamesItsBasePython() throws IOException {
    Path origin = folder.resolve("elsewhere");
    Path theirs = wheel(origin, "site-packages", "cu13");
    Files.writeString(
        environment.resolve("pyvenv.cfg"),
        "version = 3.12.3\nhome = %s\n".formatted(origin.resolve("bin")));
    assertThat(found()).containsExactly(theirs);
  }

  @Test
  void withoutAPathOrAPythonThereIsNothing() {
    assertThat(PythonWheels.onPath(null)).isEmpty();
    assertThat(PythonWheels.onPath(folder.toString())).isEmpty();
    assertThat(PythonWheels.in(List.of(folder))).isEmpty();
  }
}
