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
      "Each line is a question. On a terminal it can be edited, and Ctrl-C stops an answer.",
      "/reset starts a new conversation, /save FILE writes it for train --data, /help lists the",
      "commands, /quit or Ctrl-D ends. To start a message with /, write //."
    },
    footer = {"", "Example: culebra chat --run runs/assistant --system \"Answer briefly.\""})
final class ChatCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CommonOptions common;

  @Mixin private ModelOption model;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "A system message at the start of the conversation. Default: none")
  private String system;

  @Option(
      names = "--template",
      paramLabel = "NAME",
      description =
          "How a conversation becomes text: llama3, chatml or plain. Default: the one whose"
              + " special tokens the tokenizer has, otherwise plain")
  private ChatFormat format;

  @Option(
      names = "--show-template",
      description = "Show how a conversation becomes text, and exit.")
  private boolean showTemplate;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "500",
      description = "Longest answer, in tokens. Default: ${DEFAULT-VALUE}")
  private Integer tokens;

  @Mixin private SamplingFlags sampling;
  private final DeviceFlags device = new DeviceFlags();
  @Mixin private final CommandSpec deviceFlags = device.spec();

  @Override
  public Integer call() throws IOException {
    if (tokens < 1) {
      throw new ParameterException(
          command.commandLine(), "--tokens must be at least 1, not %d".formatted(tokens));
    }
    Chat.Answering answering = new Chat.Answering(sampling.spec(), sampling.seed(), tokens);
    try (ModelFiles files = model.open()) {
      ChatFormat known = format == null ? ChatFormat.of(files.tokenizer()) : format;
      if (format == null && known == ChatFormat.PLAIN) {
        warnOfTemplate(files);
      }
      if (showTemplate) {
        show(known);
        return 0;
      }
      try (TrainedModel trained = device.open(files, command);
          Generator generator = new Generator(trained.model());
          ChatInput input = ChatInput.open()) {
        talk(new Chat(trained, generator, known, answering, system), input);
        return 0;
      }
    }
  }

  /** A model that was trained on conversations in another format answers badly in the plain one. */
  private static void warnOfTemplate(ModelFiles files) throws IOException {
    if (!files.conventions().chatTemplate().isEmpty()) {
      System.err.printf(
          "%s has a chat template for special tokens that are neither Llama 3's nor ChatML's: the"
              + " conversation continues as plain text; --template NAME chooses another format%n",
          files.path());
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
        System.err.println(Errors.line(e)); // the conversation continues
      }
    }
  }

  /** Returns false if the command ends the conversation. */
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
              "/reset      start a new conversation%n"
                  + "/save FILE  write it to a new file for train --data%n"
                  + "/quit       end; so does Ctrl-D%n"
                  + "//text      say something that begins with /%n");
      default -> throw new CommandException("unknown command %s: /help".formatted(words[0]));
    }
    return true;
  }
}
