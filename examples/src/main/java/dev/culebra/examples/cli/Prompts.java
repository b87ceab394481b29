package dev.culebra.examples.cli;

import dev.culebra.data.TextFiles;
import dev.culebra.data.TextSource;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The prompts for a model. */
final class Prompts {
  private static final String STANDARD_INPUT = "-";
  private static final String FILE = "@";

  /** Escapes a prompt that starts with {@link #FILE}. */
  private static final String ESCAPED = "@@";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT|@FILE|-",
      description =
          "What to continue: a text, the content of a file, or standard input (-). A text that"
              + " starts with @ is written with @@. Default: asks on a terminal; otherwise a line end,"
              + " which starts a new text")
  private String prompt;

  @Option(
      names = "--prompts",
      paramLabel = "FILE|-",
      description =
          "What to continue, one prompt per line, each on its own; with --line the output"
              + " has one line per prompt.")
  private String prompts;

  /**
   * A text to continue.
   *
   * @param name for messages
   */
  record Prompt(String name, String text) {
    /** Its tokens. */
    int[] encode(Tokenizer tokenizer, boolean special) {
      try {
        TokenEncoder encoder = special ? tokenizer.specialEncoder() : tokenizer.encoder();
        return IntStream.concat(IntStream.of(encoder.accept(text)), IntStream.of(encoder.finish()))
            .toArray();
      } catch (UnknownCharacterException e) {
        throw new CommandException(name + ": " + e.getMessage(), e);
      }
    }
  }

  /** Whether there is one prompt per line. */
  boolean areLines() {
    return prompts != null;
  }

  /** Whether to ask the user, since nothing was given. */
  boolean mustBeAsked() {
    return prompt == null && prompts == null && Terminal.talks();
  }

  /**
   * The given prompts; empty if there are none.
   *
   * @throws IOException with one line, if a prompt cannot be read
   */
  List<Prompt> given() throws IOException {
    if (prompt != null && prompts != null) {
      throw new ParameterException(
          spec.commandLine(), "--prompt and --prompts do not go together: give one of them");
    }
    if (prompts != null) {
      return lines(prompts);
    }
    if (prompt == null) {
      return List.of();
    }
    String text = text(prompt);
    if (text.isEmpty()) {
      throw new CommandException("the prompt is empty");
    }
    return List.of(new Prompt("prompt", text));
  }

  private static String text(String prompt) throws IOException {
    if (prompt.startsWith(ESCAPED)) {
      return prompt.substring(FILE.length());
    }
    if (prompt.equals(STANDARD_INPUT)) {
      return read(STANDARD_INPUT);
    }
    return prompt.startsWith(FILE) ? read(prompt.substring(FILE.length())) : prompt;
  }

  private static String read(String file) throws IOException {
    return source(file).readAll();
  }

  private static TextSource source(String file) throws IOException {
    return file.equals(STANDARD_INPUT)
        ? TextSource.of("standard input", System.in)
        : TextFiles.of(Path.of(file));
  }

  private static List<Prompt> lines(String file) throws IOException {
    TextSource source = source(file);
    List<Prompt> prompts = new ArrayList<>();
    for (String line : source.readAll().lines().toList()) {
      String name = "%s:%d".formatted(source.name(), prompts.size() + 1);
      if (line.isEmpty()) {
        throw new CommandException(name + ": the prompt is empty");
      }
      prompts.add(new Prompt(name, line));
    }
    if (prompts.isEmpty()) {
      throw new CommandException(source.name() + " has no prompts");
    }
    return prompts;
  }

  /**
   * Asks for a prompt on the terminal.
   *
   * @return null if the user gives none, by Enter or Ctrl-D
   */
  static Prompt ask() throws IOException {
    System.err.print("prompt (Enter for none): ");
    System.err.flush();
    String answer =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
    if (answer == null) {
      System.err.println();
    }
    return answer == null || answer.isEmpty() ? null : new Prompt("prompt", answer);
  }
}
