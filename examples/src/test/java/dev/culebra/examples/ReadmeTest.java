package dev.culebra.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The programs in the READMEs are compiled and run here. */
class ReadmeTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  @Test
  void theReadmeShowsTheExample() throws IOException {
    assertThat(Files.readString(ROOT.resolve("README.md"))).contains(shown("TrainInTwentyLines"));
  }

  @Test
  void theLibrarysReadmeShowsItsExample() throws IOException {
    assertThat(Files.readString(ROOT.resolve("java/README.md"))).contains(shown("TrainYourOwn"));
  }

  /** The text between the marks in an example, without their indentation. */
  private static String shown(String example) throws IOException {
    String source =
        Files.readString(
            ROOT.resolve("examples/src/main/java/dev/culebra/examples/%s.java".formatted(example)));
    Matcher marked =
        Pattern.compile("(?s)\n( +)// README: begin\n(.*)\n +// README: end").matcher(source);
    assertThat(marked.find()).isTrue();
    return marked.group(2).replaceAll("(?m)^" + marked.group(1), "");
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
