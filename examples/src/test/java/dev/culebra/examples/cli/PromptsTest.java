package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ways of giving prompts to {@code culebra sample}. */
class PromptsTest {
  private static final String BETWEEN = "\n\n---\n";
  private static final Pattern QUESTION = Pattern.compile("prompt \\(Enter for none\\): ");

  @TempDir static Path folder;
  private static RunFolder run;

  @BeforeAll
  static void train() throws IOException {
    run = new RunFolder(folder.resolve("run"));
    Path text =
        Files.writeString(folder.resolve("a.txt"), "the cat sat @home, on a mat\n".repeat(60));
    assertThat(Outcome.of(run.train("--data=" + text, "--steps=60", "--lr=1e-2")).exitCode())
        .isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"-", "@-"})
  void aPromptComesFromStandardInput(String prompt) {
    Outcome sample = sample("the cat\non a ", "--prompt=" + prompt);

    assertThat(sample.err()).isEmpty();
    assertThat(sample.out()).isEqualTo(sample("", "--prompt=the cat\non a ").out());
    sample("", "--prompt=" + prompt).assertFails(1, "the prompt is empty");
  }

  @Test
  void standardInputThatIsNotUtf8IsNamed() {
    InputStream in = System.in;
    try {
      System.setIn(new ByteArrayInputStream(new byte[] {'a', (byte) 0xE9, 'b'}));
      Outcome.of("sample", "--run=" + run.path(), "--prompt=-")
          .assertFails(1, "standard input is not valid UTF-8 at byte 1: .*");
    } finally {
      System.setIn(in);
    }
  }

  @Test
  void aPromptCanStartWithAnAtSign() {
    assertThat(sample("", "--prompt=@@home").out()).startsWith("@home").hasSize(5 + 9 + 1);
    sample("", "--prompt=@home").assertFails(1, "no such file: home");
  }

  @Test
  void eachLineOfAFileIsASeparatePrompt() throws IOException {
    List<String> lines = List.of("the cat", "@home", "on a mat");
    Path file = Files.write(folder.resolve("prompts.txt"), lines);
    Outcome fromFile = sample("", "--prompts=" + file);

    assertThat(fromFile.err()).isEmpty();
    assertThat(fromFile.out().replaceFirst("\n$", "").split(BETWEEN))
        .containsExactly(
            Stream.of("the cat", "@@home", "on a mat")
                .map(prompt -> sample("", "--prompt=" + prompt).out().replaceFirst("\n$", ""))
                .toArray(String[]::new));
    assertThat(sample(String.join("\n", lines), "--prompts=-")).isEqualTo(fromFile);
  }

  @Test
  void withLineEachPromptHasOneLineOfOutput() {
    Outcome sample = sample("the c\nsat @h\n", "--prompts=-", "--line", "--tokens=40");

    assertThat(sample.out().lines().toList())
        .hasSize(2)
        .satisfies(lines -> assertThat(lines.getFirst()).startsWith("the c"))
        .satisfies(lines -> assertThat(lines.getLast()).startsWith("sat @h"));
  }

  @Test
  void aLineThatCannotBeReadIsNamedBeforeAnyIsContinued() {
    sample("the cat\n\non a", "--prompts=-")
        .assertFails(1, "standard input:2: the prompt is empty");
    sample("the cat\nthe dog\n", "--prompts=-")
        .assertFails(1, "standard input:2: character 5 of the text, 'd' .*");
    sample("", "--prompts=-").assertFails(1, "standard input has no prompts");
    sample("", "--prompts=gone.txt").assertFails(1, "no such file: gone.txt");
    sample("", "--prompts=-", "--prompt=a").assertFails(2, "--prompt and --prompts do not .*");
  }

  @Test
  void asksOnATerminal() throws Exception {
    String[] args = {"sample", "--run=run", "--seed=1", "--tokens=9"};
    try (PseudoTerminal terminal = PseudoTerminal.start(folder, 100, args)) {
      terminal.awaitShown(QUESTION).program().type("the cat\n");
      Outcome outcome = terminal.finish();

      assertThat(outcome.exitCode()).isZero();
      assertThat(outcome.out()).endsWith("\n" + sample("", "--prompt=the cat").out());
    }
    try (PseudoTerminal terminal = PseudoTerminal.start(folder, 100, args)) {
      terminal.awaitShown(QUESTION).program().type("\n");

      assertThat(terminal.finish().out()).endsWith("\n" + sample("").out());
    }
  }

  @Test
  void doesNotAskWithoutATerminal() throws Exception {
    Outcome sample = Program.run(folder, "sample", "--run=run", "--seed=1", "--tokens=9");

    assertThat(sample).isEqualTo(sample(""));
  }

  @Test
  void aTerminalBreaksASampleBetweenWords() throws Exception {
    int columns = 20;
    String[] args = {"sample", "--run=run", "--seed=1", "--tokens=200", "--prompt=the cat"};
    try (PseudoTerminal terminal = PseudoTerminal.start(folder, columns, args)) {
      String shown = terminal.finish().out();
      String plain = sample("", "--prompt=the cat", "--tokens=200").out();

      assertThat(shown.split("\\s+")).containsExactly(plain.split("\\s+"));
      assertThat(shown.lines()).allMatch(line -> line.length() <= columns);
      assertThat(plain.lines()).anyMatch(line -> line.length() > columns);
    }
  }

  /** Nine tokens with seed 1, unless {@code flags} request more. */
  private static Outcome sample(String input, String... flags) {
    List<String> args = new ArrayList<>(List.of("sample", "--run=" + run.path(), "--seed=1"));
    args.addAll(List.of(flags));
    if (args.stream().noneMatch(arg -> arg.startsWith("--tokens="))) {
      args.add("--tokens=9");
    }
    InputStream in = System.in;
    try {
      System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
      return Outcome.of(args.toArray(String[]::new));
    } finally {
      System.setIn(in);
    }
  }
}
