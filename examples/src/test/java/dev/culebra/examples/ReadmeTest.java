package dev.culebra.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The README's example is the program that is compiled and run here. */
class ReadmeTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  @Test
  void showsTheExampleAsItIs() throws IOException {
    String source =
        Files.readString(
            ROOT.resolve("examples/src/main/java/dev/culebra/examples/TrainInTwentyLines.java"));
    String body =
        source.substring(
            source.indexOf("// README: begin\n") + "// README: begin\n".length(),
            source.indexOf("    // README: end"));
    String example = body.lines().map(line -> line.substring(4)).collect(Collectors.joining("\n"));
    assertThat(Files.readString(ROOT.resolve("README.md"))).contains(example);
  }

  @Test
  void exampleLearns() throws IOException {
    assertThat(TrainInTwentyLines.run(60)).isBetween(1.5f, 3.2f);
  }

  @Test
  void testCommandIsTheOneOfContinuousIntegration() throws IOException {
    assertThat(Files.readString(ROOT.resolve("README.md"))).contains("mvn verify");
    assertThat(Files.readString(ROOT.resolve(".ci/run"))).contains("exec mvn verify");
  }
}
