package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.data.ChatFormat;
import dev.culebra.data.ChatTokens;
import dev.culebra.data.Message;
import dev.culebra.data.Message.Role;
import dev.culebra.generate.Generator;
import dev.culebra.io.AtomicFile;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.UnknownCharacterException;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * A conversation with a model. Each answer continues the whole conversation; if that is longer than
 * the context, only its end is read, as with any prompt.
 */
final class Chat {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** How answers are written. */
  record Answering(SamplingSpec sampling, long seed, int tokens) {}

  private final TrainedModel model;
  private final Generator generator;
  private final ChatFormat format;
  private final Answering answering;
  private final String system;
  private final List<Message> messages = new ArrayList<>();
  private ChatTokens tokens;
  private int answers;

  /**
   * @param system the system message, or null
   */
  Chat(
      TrainedModel model,
      Generator generator,
      ChatFormat format,
      Answering answering,
      String system) {
    this.model = model;
    this.generator = generator;
    this.format = format;
    this.answering = answering;
    this.system = system;
    reset();
  }

  /** Starts a new conversation. */
  void reset() {
    messages.clear();
    tokens = new ChatTokens(format, model.tokenizer());
    if (system != null) {
      say(new Message(Role.SYSTEM, system), "--system");
    }
  }

  /** A message with a character that the tokenizer lacks is not added. */
  private void say(Message message, String where) {
    int before = tokens.length();
    try {
      tokens.add(message);
    } catch (UnknownCharacterException e) {
      tokens.cutTo(before);
      throw new CommandException(where + ": " + e.getMessage(), e);
    }
    messages.add(message);
  }

  /**
   * Writes the answer to a question to {@code out}, piece by piece.
   *
   * @param stop asked before each token whether to stop
   * @throws CommandException if the tokenizer lacks a character
   */
  void ask(String question, WordWrap out, BooleanSupplier stop) {
    say(new Message(Role.USER, question), "your message");
    tokens.beginAnswer();
    int[] prompt = model.conventions().prompt(tokens.tokens());
    StringBuilder answer = new StringBuilder();
    TokenDecoder decoder = model.tokenizer().decoder();
    generator.generate(
        prompt,
        answering.tokens(),
        answering.sampling(),
        answering.seed(),
        answers++,
        token -> {
          if (stop.getAsBoolean() || ends(token)) {
            return false;
          }
          String piece = decoder.accept(token);
          int end = endIn(piece, answer);
          if (end < 0) {
            tokens.answer(token);
            print(piece, answer, out);
          } else {
            tokens.answer(model.tokenizer().encode(piece.substring(0, end)));
            print(piece.substring(0, end), answer, out);
          }
          return end < 0 && !System.out.checkError(); // stop: the pipe is closed
        });
    print(decoder.finish(), answer, out);
    out.finish();
    tokens.endAnswer();
    messages.add(new Message(Role.ASSISTANT, answer.toString()));
  }

  private boolean ends(int token) {
    return tokens.isEnd(token) || model.conventions().ends().contains(token);
  }

  /** The index in a piece at which a plain answer ends, or -1. It does not end before it began. */
  private int endIn(String piece, StringBuilder answer) {
    String end = tokens.endText();
    if (end.isEmpty()) {
      return -1;
    }
    int blank = answer.isEmpty() ? piece.length() - piece.stripLeading().length() : 0;
    return piece.indexOf(end, blank);
  }

  /** White space before an answer is not shown. */
  private static void print(String piece, StringBuilder answer, WordWrap out) {
    String shown = answer.isEmpty() ? piece.stripLeading() : piece;
    answer.append(shown);
    out.print(shown);
  }

  /**
   * Writes the conversation to a new file, as one line for {@code train --data}.
   *
   * @throws CommandException if the file exists
   * @throws IOException with one line that names the file, if it cannot be written
   */
  void save(Path file) throws IOException {
    if (Files.exists(file)) {
      throw new CommandException(file + " already exists: choose another file");
    }
    ObjectNode json = JSON.createObjectNode();
    ArrayNode list = json.putArray("messages");
    for (Message message : messages) {
      list.addObject().put("role", message.role().label()).put("content", message.content());
    }
    AtomicFile.write(file, json + "\n");
  }
}
