package dev.culebra.data;

import dev.culebra.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How a conversation becomes one text. A turn has a header, its content and an end; a model writes
 * the end of its answer itself. Headers and ends are marked by special tokens, never by ordinary
 * text, so the content of a turn cannot end it.
 */
public enum ChatFormat {
  /** Llama 3's: {@code <|start_header_id|>user<|end_header_id|>\n\n…<|eot_id|>}. */
  LLAMA3("<|begin_of_text|>", "<|eot_id|>", "") {
    @Override
    List<Part> header(Message.Role role) {
      return List.of(
          Part.mark("<|start_header_id|>"),
          Part.text(role.label()),
          Part.mark("<|end_header_id|>"),
          Part.text("\n\n"));
    }
  },

  /** ChatML, as Qwen has it: {@code <|im_start|>user\n…<|im_end|>\n}. */
  CHATML("", "<|im_end|>", "\n") {
    @Override
    List<Part> header(Message.Role role) {
      return List.of(Part.mark("<|im_start|>"), Part.text(role.label() + "\n"));
    }
  },

  /**
   * Plain continuation, as for {@link PromptPairs}: the question, then the answer up to the end of
   * the line.
   */
  PLAIN("", "", PromptPairs.END) {
    @Override
    List<Part> header(Message.Role role) {
      return List.of();
    }
  };

  /**
   * A part of a rendered conversation.
   *
   * @param isMark whether it is a special token
   */
  record Part(String text, boolean isMark) {
    static Part mark(String text) {
      return new Part(text, true);
    }

    static Part text(String text) {
      return new Part(text, false);
    }
  }

  private final String beginning;
  private final String end;
  private final String behindEnd;

  ChatFormat(String beginning, String end, String behindEnd) {
    this.beginning = beginning;
    this.end = end;
    this.behindEnd = behindEnd;
  }

  /** What comes before the content of a turn. */
  abstract List<Part> header(Message.Role role);

  /** The format whose marks {@code tokenizer} has; {@link #PLAIN} if it has none. */
  public static ChatFormat of(Tokenizer tokenizer) {
    return Arrays.stream(values())
        .filter(
            format -> format.marks().stream().allMatch(mark -> tokenizer.special(mark).isPresent()))
        .findFirst()
        .orElse(PLAIN);
  }

  /** The special tokens that a tokenizer needs for it. */
  List<String> marks() {
    List<Part> parts = new ArrayList<>(header(Message.Role.USER));
    parts.add(Part.mark(end));
    return parts.stream()
        .filter(part -> part.isMark() && !part.text().isEmpty())
        .map(Part::text)
        .toList();
  }

  /** The name on the command line: {@code llama3}, {@code chatml}, {@code plain}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return label();
  }

  /** What a conversation begins with; nothing in most formats. */
  List<Part> beginning() {
    return beginning.isEmpty() ? List.of() : List.of(Part.mark(beginning));
  }

  /** What ends an answer; the model has to learn it. */
  List<Part> end() {
    return end.isEmpty() ? List.of(Part.text(behindEnd)) : List.of(Part.mark(end));
  }

  /** What comes between the end and the next turn; the model does not learn it. */
  List<Part> behindEnd() {
    return end.isEmpty() || behindEnd.isEmpty() ? List.of() : List.of(Part.text(behindEnd));
  }

  /** A turn of the system or the user. In {@link #PLAIN} a question has no end of its own. */
  List<Part> turn(Message message) {
    List<Part> turn = new ArrayList<>(header(message.role()));
    turn.add(Part.text(content(message)));
    if (this != PLAIN || message.role() == Message.Role.SYSTEM) {
      turn.addAll(end());
      turn.addAll(behindEnd());
    }
    return turn;
  }

  /** Llama 3's template strips white space. */
  String content(Message message) {
    return this == LLAMA3 ? message.content().strip() : message.content();
  }

  /** A conversation as text for readers, not for a model. */
  public String render(List<Message> messages) {
    StringBuilder text = new StringBuilder();
    append(text, beginning());
    for (Message message : messages) {
      if (message.role() == Message.Role.ASSISTANT) {
        append(text, header(message.role()));
        text.append(content(message));
        append(text, end());
        append(text, behindEnd());
      } else {
        append(text, turn(message));
      }
    }
    return text.toString();
  }

  private static void append(StringBuilder text, List<Part> parts) {
    parts.forEach(part -> text.append(part.text()));
  }
}
