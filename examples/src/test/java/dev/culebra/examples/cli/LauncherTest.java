package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The launcher script in a small test tree, with a JDK and a Maven that only print their arguments.
 */
class LauncherTest {
  private static final Path LAUNCHER = Path.of("..", "culebra");

  @TempDir Path folder;
  private Path root;
  private Path jdk;
  private Path source;

  @BeforeEach
  void plant() throws IOException {
    root = Files.createDirectories(folder.resolve("a clône of it"));
    jdk = Files.createDirectories(folder.resolve("jdk"));
    source = Files.createDirectories(root.resolve("java/src/main/java")).resolve("A.java");
    Files.writeString(source, "class A {}");
    Files.createDirectories(root.resolve("examples/src/main/java"));
    for (String pom : List.of("pom.xml", "java/pom.xml", "examples/pom.xml")) {
      Files.writeString(root.resolve(pom), "<project/>");
    }
    Files.copy(LAUNCHER, root.resolve("culebra"));
    Files.writeString(jdk.resolve("release"), "IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"25.0.3\"\n");
    script(
        jdk.resolve("bin/java"),
        """
        echo 'WARNING: Using incubator modules: jdk.incubator.vector' >&2
        echo 'a word on standard error' >&2
        locale charmap >"$HOME/charmap"
        pwd >"$HOME/directory"
        while [ "$1" != -jar ]; do shift; done
        shift 2
        printf '<%s>' "$@"
        exit 7
        """);
    script(jdk.resolve("bin/javac"), "");
    script(
        folder.resolve("bin/mvn"),
        """
        if [ "$1" = --version ]; then echo "Apache Maven ${MAVEN:-3.9.9} (x)"; exit; fi
        echo built >>"$BUILDS"
        sleep "${SECONDS_A_BUILD:-0}"
        if grep -q broken java/src/main/java/*; then
          echo '[ERROR] A.java: it is broken'
          exit 1
        fi
        mkdir -p examples/target/lib && touch examples/target/culebra.jar examples/target/lib/a.jar
        """);
  }

  @Test
  void buildsOnceAndThenOnlyRuns() throws IOException, InterruptedException {
    Outcome first = launch("help");
    Outcome second = launch("help");

    assertThat(first.exitCode()).isEqualTo(7);
    assertThat(first.out()).isEqualTo("<help>");
    assertThat(first.err())
        .matches(
            "Building Culebra \\(the first build downloads its libraries\\) … done in \\d+ s\\n"
                + "a word on standard error\\n");
    assertThat(second).isEqualTo(new Outcome(7, "<help>", "a word on standard error\n"));
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void buildsAgainWhenASourceIsChangedAddedOrRemoved() throws IOException, InterruptedException {
    launch();
    Files.writeString(source, "class A { }");
    launch();
    assertThat(builds()).isEqualTo(2);

    Path added = Files.writeString(source.resolveSibling("B.java"), "class B {}");
    launch();
    assertThat(builds()).isEqualTo(3);

    Files.delete(added);
    launch();
    assertThat(builds()).isEqualTo(4);

    Files.writeString(root.resolve("examples/pom.xml"), "<project></project>");
    launch();
    launch();
    assertThat(builds()).isEqualTo(5);
  }

  @Test
  void aFailedBuildIsExplainedAndRetried() throws IOException, InterruptedException {
    Files.writeString(source, "broken");
    Outcome outcome = launch("help");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err())
        .contains(" failed. The end of " + root.toRealPath().resolve("examples/target/build.log"))
        .endsWith("[ERROR] A.java: it is broken\n");

    Files.writeString(source, "class A {}");
    assertThat(launch("help").exitCode()).isEqualTo(7);
  }

  @Test
  void concurrentLaunchersBuildOnce() throws IOException, InterruptedException {
    Map<String, String> slow = Map.of("SECONDS_A_BUILD", "0.5");
    Launch first = start(slow, root.resolve("culebra"), root, "first");
    Launch second = start(slow, root.resolve("culebra"), root, "second");

    assertThat(finish(first).out()).isEqualTo("<first>");
    assertThat(finish(second).out()).isEqualTo("<second>");
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void aReadOnlyCheckoutIsBuiltInTheCache() throws IOException, InterruptedException {
    // A file in place of the folder target: this fails even for the superuser.
    Path blocked = Files.writeString(root.resolve("examples/target"), "");
    Path cache = folder.resolve("my cache");
    Map<String, String> environment = Map.of("XDG_CACHE_HOME", cache.toString());
    Outcome first = finish(start(environment, root.resolve("culebra"), root, "help"));
    Outcome second = finish(start(environment, root.resolve("culebra"), root, "help"));

    assertThat(first.exitCode()).as(first.err()).isEqualTo(7);
    assertThat(first.out()).isEqualTo("<help>");
    assertThat(second).isEqualTo(new Outcome(7, "<help>", "a word on standard error\n"));
    assertThat(builds()).isEqualTo(1);
    assertThat(blocked).isEmptyFile();
    assertThat(cache.resolve("culebra")).isNotEmptyDirectory();

    Files.writeString(source, "class A { }");
    assertThat(finish(start(environment, root.resolve("culebra"), root, "x")).out())
        .isEqualTo("<x>");
    assertThat(builds()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"C", "POSIX", "tr_TR.UTF-8", "de_DE.UTF-8", "de_DE", "nonsense.UTF-8"})
  void theProgramGetsUtf8InAnyLocale(String locale) throws IOException, InterruptedException {
    launch("build");
    Map<String, String> environment = Map.of("LC_ALL", locale);

    Outcome outcome = finish(start(environment, root.resolve("culebra"), root, "help"));
    assertThat(outcome.exitCode()).isEqualTo(7);
    // bash itself reports a locale that is not installed, before it reads the script
    assertThat(outcome.err().replaceAll("(?m)^.*warning: setlocale: .*\\n", ""))
        .isEqualTo("a word on standard error\n");
    assertThat(Files.readString(folder.resolve("charmap"))).isEqualTo("UTF-8\n");
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void argumentsArriveUnchanged() throws IOException, InterruptedException {
    assertThat(launch("two words", "*", "", "a\nb", "$HOME", "-x=\"y\"").out())
        .isEqualTo("<two words><*><><a\nb><$HOME><-x=\"y\">");
  }

  @Test
  void worksThroughASymbolicLinkFromAnywhere() throws IOException, InterruptedException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), root.resolve("culebra"));

    assertThat(finish(start(Map.of(), link, folder, "help")).out()).isEqualTo("<help>");
  }

  @Test
  void relativePathsAreTheCallersAfterABuildToo() throws IOException, InterruptedException {
    Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
    finish(start(Map.of(), root.resolve("culebra"), elsewhere, "help"));

    assertThat(builds()).isEqualTo(1);
    assertThat(Files.readString(folder.resolve("directory"))).isEqualTo(elsewhere + "\n");
  }

  @Test
  void anOldMavenIsNamed() throws IOException, InterruptedException {
    Launch process = start(Map.of("MAVEN", "3.8.6"), root.resolve("culebra"), root, "help");

    assertThat(finish(process))
        .isEqualTo(
            new Outcome(
                1,
                "",
                "culebra: needs Maven 3.8.7 or newer to build; %s is 3.8.6\n"
                    .formatted(folder.resolve("bin/mvn"))));
  }

  @Test
  void aMissingJdkIsReportedInOneLine() throws IOException, InterruptedException {
    Path launcher = root.resolve("culebra");
    Files.writeString(launcher, Files.readString(launcher).replace("MIN_JAVA=25", "MIN_JAVA=9999"));
    Outcome outcome = launch("help");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err())
        .matches("culebra: needs a JDK 9999 or newer: install one .* or set JAVA_HOME to it\n");
  }

  private Outcome launch(String... args) throws IOException, InterruptedException {
    return finish(start(Map.of(), root.resolve("culebra"), root, args));
  }

  /**
   * A started launcher and the files of its output. Its standard error is read through a shell's
   * pipe, which stays open until the launcher's filter has written everything; a JDK pipe would be
   * closed when the launcher itself ends.
   */
  private record Launch(Process process, Path outputs) {}

  private static final String KEEP_OUTPUTS =
      "\"$@\" 2>&1 >\"$0.out\" | cat >\"$0.err\"; exit ${PIPESTATUS[0]}";

  private Launch start(Map<String, String> environment, Path launcher, Path where, String... args)
      throws IOException {
    Path outputs = Files.createTempDirectory(folder, "outputs").resolve("o");
    List<String> command =
        new ArrayList<>(
            List.of("bash", "-c", KEEP_OUTPUTS, outputs.toString(), launcher.toString()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).directory(where.toFile());
    builder.environment().clear();
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().putAll(environment);
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("JAVA_HOME", jdk.toString());
    builder.environment().put("BUILDS", folder.resolve("builds").toString());
    builder.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
    return new Launch(builder.start(), outputs);
  }

  private static Outcome finish(Launch launch) throws IOException, InterruptedException {
    int exitCode = launch.process().waitFor();
    return new Outcome(
        exitCode,
        Files.readString(Path.of(launch.outputs() + ".out")),
        Files.readString(Path.of(launch.outputs() + ".err")));
  }

  private long builds() throws IOException {
    try (var lines = Files.lines(folder.resolve("builds"))) {
      return lines.count();
    }
  }

  private static void script(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
