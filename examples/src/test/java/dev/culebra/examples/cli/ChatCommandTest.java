package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code culebra chat} with a model that was trained on conversations. */
class ChatCommandTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @TempDir static Path folder;
  private static RunFolder run;

  /** Two turns each, so that the second answer depends on the first. */
  @BeforeAll
  static void train() throws IOException {
    Path data = folder.resolve("talk.jsonl");
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      String name = i % 2 == 0 ? "ann" : "bob";
      lines.append(conversation("i am " + name, "hi " + name, "my name?", name)).append('\n');
    }
    Files.writeString(data, lines);
    run = new RunFolder(folder.resolve("run"));
    List<String> args =
        new ArrayList<>(
            List.of(
                "train",
                "--out=" + run.path(),
                "--data=" + data,
                "--layers=2",
                "--heads=2",
                "--embd=32",
                "--context=40",
                "--batch=8",
                "--steps=250",
                "--lr=1e-2",
                "--warmup=5"));
    Outcome outcome = Outcome.of(args.toArray(String[]::new));
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(outcome.err()).contains("to talk: culebra chat --run ");
  }

  private static String conversation(String... turns) {
    ObjectNode json = JSON.createObjectNode();
    ArrayNode messages = json.putArray("messages");
    for (int i = 0; i < turns.length; i++) {
      messages.addObject().put("role", i % 2 == 0 ? "user" : "assistant").put("content", turns[i]);
    }
    return json.toString();
  }

  private static Outcome chat(String said, String... flags) {
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream(said.getBytes(StandardCharsets.UTF_8)));
      List<String> args =
          new ArrayList<>(List.of("chat", "--run=" + run.path(), "--temperature=0", "--tokens=20"));
      args.addAll(List.of(flags));
      return Outcome.of(args.toArray(String[]::new));
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void anAnswerDependsOnEarlierTurns() {
    assertThat(chat("i am bob\nmy name?\n/reset\ni am ann\nmy name?\n").out())
        .isEqualTo("hi bob\nbob\nhi ann\nann\n");
  }

  @Test
  void aConversationIsSavedAsTrainingReadsIt() throws IOException {
    Path file = folder.resolve("said.jsonl");
    Outcome outcome = chat("i am ann\n/save " + file + "\n/save " + file + "\n");
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err())
        .isEqualTo(
            "wrote %s%nculebra: %s already exists: choose another file%n".formatted(file, file));
    assertThat(Files.readString(file)).isEqualTo(conversation("i am ann", "hi ann") + "\n");
  }

  @Test
  void mistakesAreReportedInOneLineAndTheConversationContinues() {
    Outcome outcome = chat("i am ZOE\n/nothing\n\n/save\n/help\ni am bob\n/quit\nmy name?\n");
    assertThat(outcome.out()).isEqualTo("hi bob\n");
    assertThat(outcome.err())
        .contains("culebra: your message: ")
        .contains("'Z' (U+005A)")
        .contains("culebra: unknown command /nothing: /help\n")
        .contains("culebra: /save needs a file: /save FILE\n")
        .contains("/reset      start a new conversation\n");
    chat("", "--system=ZZ").assertFails(1, "--system: .*'Z'.*");
    Outcome.of("chat", "--run=" + run.path(), "--tokens=0")
        .assertFails(2, "--tokens must be at least 1, not 0 .*");
  }

  @Test
  void theTemplateIsShown() throws IOException {
    assertThat(chat("", "--show-template").out())
        .isEqualTo("plain:\n{system}\n{user}{assistant}\n");
    Path qwen = ModelFolder.copyTo(folder.resolve("qwen"), "gpt2-f32", "qwen2");
    assertThat(Outcome.of("chat", "--run=" + qwen, "--show-template").out())
        .isEqualTo(
            "chatml:\n<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
                + "<|im_start|>assistant\n{assistant}<|im_end|>\n");
    Outcome.of("chat", "--run=" + run.path(), "--template=mistral")
        .assertFails(2, ".*'mistral' is not one of llama3, chatml, plain .*");
  }

  @Test
  void aTemplateThatIsNotKnownIsSaid() throws IOException {
    Path model = ModelFolder.copyTo(folder.resolve("templated"), "gpt2-f32", "gpt2");
    Files.writeString(
        model.resolve("tokenizer_config.json"), "{\"chat_template\": \"[INST] {{ x }}\"}");
    Outcome shown = Outcome.of("chat", "--run=" + model, "--show-template");
    assertThat(shown.out()).startsWith("plain:\n");
    assertThat(shown.err())
        .isEqualTo(
            model
                + " has a chat template for special tokens that are neither Llama 3's nor ChatML's:"
                + " the conversation continues as plain text; --template NAME chooses another"
                + " format\n");
    assertThat(Outcome.of("chat", "--run=" + model, "--show-template", "--template=plain").err())
        .isEmpty();
    Outcome.of("chat", "--run=" + model, "--template=chatml")
        .assertFails(
            1, "chat format chatml needs the token <.im_start.>, which the tokenizer lacks");
  }

  @Test
  void onATerminalALineIsEdited() throws Exception {
    try (PseudoTerminal terminal =
        PseudoTerminal.start(
            folder, 80, "chat", "--run=" + run.path(), "--temperature=0", "--device=cpu")) {
      terminal.awaitShown(Pattern.compile("> "));
      terminal.program().type("i am boX\u007Fb\r"); // the X is taken back
      terminal.awaitShown(Pattern.compile("(?s)hi bob.*> ")); // reads again: Ctrl-D is a key now
      terminal.program().type("\u0004");
      assertThat(terminal.finish().exitCode()).isZero();
    }
  }
}
