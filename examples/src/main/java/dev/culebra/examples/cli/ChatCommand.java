package dev.culebra.examples.cli;

import dev.culebra.data.ChatFormat;
import dev.culebra.data.Message;
import dev.culebra.data.Message.Role;
import dev.culebra.generate.Generator;
import dev.culebra.train.ModelFiles;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code culebra chat}. */
@Command(
    name = "chat",
    header = "Talk with a trained model.",
    description = {
      "Each line is a question; on a terminal it can be edited, and Ctrl-C ends an answer.",
      "/reset forgets the conversation, /save FILE writes it as train --data reads it, /help",
      "lists what there is, /quit or Ctrl-D ends. //… says something that begins with /."
    },
    footer = {"", "Example: culebra chat --run runs/assistant --system \"Answer briefly.\""})
final class ChatCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CommonOptions common;

  @Option(
      names = "--run",
      required = true,
      paramLabel = "PATH",
      description =
          "A run directory, a folder of Hugging Face's with weights and tokenizer, or a checkpoint"
              + " of llm.c.")
  private Path path;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "What the conversation is to be like. Default: nothing is said of that")
  private String system;

  @Option(
      names = "--template",
      paramLabel = "NAME",
      description =
          "llama3, chatml or plain: how a conversation becomes a text. Default: the one whose"
              + " special tokens the tokenizer has, else plain")
  private ChatFormat format;

  @Option(
      names = "--show-template",
      description = "Show how a conversation becomes a text, and end.")
  private boolean showTemplate;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "500",
      description = "Longest answer, in tokens. Default: ${DEFAULT-VALUE}")
  private Integer tokens;

  @Mixin private SamplingFlags sampling;
  @Mixin private AcceptChanges acceptChanges;
  private final DeviceFlags device = new DeviceFlags();
  @Mixin private final CommandSpec deviceFlags = device.spec();

  @Override
  public Integer call() throws IOException {
    if (tokens < 1) {
      throw new ParameterException(
          command.commandLine(), "--tokens must be at least 1, not %d".formatted(tokens));
    }
    Chat.Answering answering = new Chat.Answering(sampling.spec(), sampling.seed(), tokens);
    try (ModelFiles files = acceptChanges.open(path)) {
      ChatFormat known = format == null ? ChatFormat.of(files.tokenizer()) : format;
      if (showTemplate) {
        show(known);
        return 0;
      }
      try (TrainedModel model = TrainedModel.open(files, device.config(command));
          Generator generator = new Generator(model.model());
          ChatInput input = ChatInput.open()) {
        talk(new Chat(model, generator, known, answering, system), input);
        return 0;
      }
    }
  }

  private void show(ChatFormat known) {
    List<Message> example =
        Arrays.stream(Role.values())
            .map(role -> new Message(role, "{" + role.label() + "}"))
            .toList();
    System.out.printf("%s:%n%s", known, known.render(example));
  }

  private static void talk(Chat chat, ChatInput input) throws IOException {
    for (String line = input.read(); line != null; line = input.read()) {
      try {
        if (line.startsWith("/") && !line.startsWith("//")) {
          if (!obey(line.strip().split("\\s+", 2), chat)) {
            return;
          }
        } else if (!line.isBlank()) {
          String question = line.startsWith("//") ? line.substring(1) : line;
          input.whileAnswering(stop -> chat.ask(question, WordWrap.ofOutput(), stop));
        }
      } catch (CommandException | IOException e) {
        System.err.println(Errors.line(e)); // a conversation goes on
      }
    }
  }

  /** False where that ends the conversation. */
  private static boolean obey(String[] words, Chat chat) throws IOException {
    switch (words[0]) {
      case "/quit", "/exit" -> {
        return false;
      }
      case "/reset" -> chat.reset();
      case "/save" -> {
        if (words.length < 2) {
          throw new CommandException("/save needs a file: /save FILE");
        }
        chat.save(Path.of(words[1]));
        System.err.println("wrote " + words[1]);
      }
      case "/help" ->
          System.err.printf(
              "/reset      forget the conversation%n"
                  + "/save FILE  write it to a new file, as train --data reads it%n"
                  + "/quit       end, as Ctrl-D does%n"
                  + "//text      say something that begins with /%n");
      default -> throw new CommandException("unknown command %s: /help".formatted(words[0]));
    }
    return true;
  }
}
