package dev.culebra.data;

import dev.culebra.data.ChatFormat.Part;
import dev.culebra.data.Message.Role;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The tokens of a conversation that grows turn by turn. Answers keep the tokens that the model
 * wrote. Each token counts if the model has to learn it: those of answers and of their ends. Not
 * thread-safe.
 */
public final class ChatTokens {
  private final ChatFormat format;
  private final Tokenizer tokenizer;
  private int[] tokens = new int[256];
  private boolean[] counts = new boolean[256];
  private int length;

  /**
   * An empty conversation.
   *
   * @throws DataException if the tokenizer lacks a mark of the format
   */
  public ChatTokens(ChatFormat format, Tokenizer tokenizer) {
    this.format = format;
    this.tokenizer = tokenizer;
    format.marks().forEach(mark -> mark(Part.mark(mark)));
    add(
        format.beginning().stream()
            .filter(part -> tokenizer.special(part.text()).isPresent())
            .toList(),
        false);
  }

  /**
   * Adds a turn. The tokens of an answer count.
   *
   * @throws UnknownCharacterException if the tokenizer lacks a character
   */
  public void add(Message message) {
    if (message.role() == Role.ASSISTANT) {
      beginAnswer();
      add(List.of(Part.text(format.content(message))), true);
      endAnswer();
    } else {
      add(format.turn(message), false);
    }
  }

  /** Adds the header of an answer. */
  public void beginAnswer() {
    add(format.header(Role.ASSISTANT), false);
  }

  /** Adds tokens of an answer. */
  public void answer(int... written) {
    for (int token : written) {
      append(token, true);
    }
  }

  /** Adds the end of an answer. */
  public void endAnswer() {
    add(format.end(), true);
    add(format.behindEnd(), false);
  }

  /** Whether a token ends an answer; in the plain format {@link #endText} does. */
  public boolean isEnd(int token) {
    List<Part> end = format.end();
    return end.getFirst().isMark() && mark(end.getFirst()) == token;
  }

  /** The text that ends an answer; empty if a special token does. */
  public String endText() {
    Part end = format.end().getFirst();
    return end.isMark() ? "" : end.text();
  }

  /** Removes all but the first {@code kept} tokens. */
  public void cutTo(int kept) {
    length = Math.min(length, kept);
  }

  public int length() {
    return length;
  }

  /** All tokens. */
  public int[] tokens() {
    return Arrays.copyOf(tokens, length);
  }

  /** Whether the model has to learn each token. */
  public boolean[] counts() {
    return Arrays.copyOf(counts, length);
  }

  private void add(List<Part> parts, boolean counted) {
    StringBuilder text = new StringBuilder();
    for (Part part : parts) {
      if (part.isMark()) {
        encode(text, counted);
        append(mark(part), counted);
      } else {
        text.append(part.text());
      }
    }
    encode(text, counted);
  }

  /** Encodes as ordinary text: special tokens are not recognised. */
  private void encode(StringBuilder text, boolean counted) {
    TokenEncoder encoder = tokenizer.encoder();
    IntStream.concat(
            Arrays.stream(encoder.accept(text.toString())), Arrays.stream(encoder.finish()))
        .forEach(token -> append(token, counted));
    text.setLength(0);
  }

  private int mark(Part part) {
    return tokenizer
        .special(part.text())
        .orElseThrow(
            () ->
                new DataException(
                    "chat format %s needs the token %s, which the tokenizer lacks"
                        .formatted(format, part.text())));
  }

  private void append(int token, boolean counted) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
      counts = Arrays.copyOf(counts, 2 * length);
    }
    tokens[length] = token;
    counts[length] = counted;
    length++;
  }
}
