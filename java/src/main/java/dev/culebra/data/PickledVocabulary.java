package dev.culebra.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.culebra.io.FileErrors;
import dev.culebra.text.CharTokenizer;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * nanoGPT's {@code meta.pkl}, which it writes beside the token files of its character datasets: a
 * pickled dictionary whose {@code itos} says which character each token is.
 *
 * <p>A pickle is a program. This reads only what makes dictionaries of texts and whole numbers, in
 * protocols 2 to 5, and refuses every other instruction: nothing is ever called or constructed.
 */
final class PickledVocabulary {
  static final String NAME = "meta.pkl";

  private static final String CHARACTERS = "itos";
  private static final long MOST_BYTES = 64 << 20;

  /** What stands on the stack between a dictionary and its new entries. */
  private static final Object MARK = new Object();

  private final Path file;
  private final ByteBuffer bytes;
  private final Deque<Object> stack = new ArrayDeque<>();
  private final Map<Integer, Object> memo = new HashMap<>();

  private PickledVocabulary(Path file, byte[] bytes) {
    this.file = file;
    this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The characters that a file lists.
   *
   * @throws DataException with one line, if it is not a pickle of nanoGPT's
   * @throws IOException if it cannot be read
   */
  static CharTokenizer read(Path file) throws IOException {
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw new DataException(file + " is too large for a vocabulary of characters");
      }
      return new PickledVocabulary(file, Files.readAllBytes(file)).characters();
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private CharTokenizer characters() {
    if (!(value() instanceof Map<?, ?> meta && meta.get(CHARACTERS) instanceof Map<?, ?> itos)) {
      throw bad("it has no dictionary \"%s\"".formatted(CHARACTERS));
    }
    int[] characters = new int[itos.size()];
    for (int token = 0; token < characters.length; token++) {
      if (!(itos.get((long) token) instanceof String text
          && text.codePointCount(0, text.length()) == 1)) {
        throw bad("its token %d is not one character".formatted(token));
      }
      characters[token] = text.codePointAt(0);
    }
    try {
      return CharTokenizer.ofVocabulary(characters);
    } catch (IllegalArgumentException e) {
      throw bad(e.getMessage());
    }
  }

  /** Runs the pickle to its end. */
  private Object value() {
    try {
      while (true) {
        int at = bytes.position();
        int instruction = bytes.get() & 0xFF;
        switch (instruction) {
          case 0x80 -> bytes.get(); // PROTO
          case 0x95 -> bytes.getLong(); // FRAME
          case '}' -> stack.push(new LinkedHashMap<>());
          case '(' -> stack.push(MARK);
          case 'K' -> stack.push(bytes.get() & 0xFFL); // BININT1
          case 'M' -> stack.push(bytes.getShort() & 0xFFFFL); // BININT2
          case 'J' -> stack.push((long) bytes.getInt()); // BININT
          case 0x8C -> stack.push(text(bytes.get() & 0xFF)); // SHORT_BINUNICODE
          case 'X' -> stack.push(text(bytes.getInt())); // BINUNICODE
          case 0x94 -> memo.put(memo.size(), stack.element()); // MEMOIZE
          case 'q' -> memo.put(bytes.get() & 0xFF, stack.element()); // BINPUT
          case 'r' -> memo.put(bytes.getInt(), stack.element()); // LONG_BINPUT
          case 'h' -> stack.push(recalled(bytes.get() & 0xFF)); // BINGET
          case 'j' -> stack.push(recalled(bytes.getInt())); // LONG_BINGET
          case 's' -> setItems(List.of(stack.pop(), stack.pop())); // SETITEM
          case 'u' -> setItems(sinceMark()); // SETITEMS
          case '.' -> {
            return stack.pop();
          }
          default ->
              throw bad(
                  "instruction 0x%02x at byte %d is not supported".formatted(instruction, at));
        }
      }
    } catch (BufferUnderflowException e) {
      throw bad("it is cut off");
    } catch (NoSuchElementException e) {
      throw bad("it is damaged at byte %d".formatted(bytes.position()));
    }
  }

  private String text(int length) {
    if (length < 0 || length > bytes.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer text = bytes.slice(bytes.position(), length);
    bytes.position(bytes.position() + length);
    try {
      return UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      throw bad("a text in it is not UTF-8");
    }
  }

  private Object recalled(int key) {
    Object value = memo.get(key);
    if (value == null) {
      throw bad("it is damaged at byte %d".formatted(bytes.position()));
    }
    return value;
  }

  /** Pops what was pushed since the last mark, last first, and the mark. */
  private List<Object> sinceMark() {
    List<Object> items = new ArrayList<>();
    for (Object item = stack.pop(); item != MARK; item = stack.pop()) {
      items.add(item);
    }
    return items;
  }

  /** Puts entries into the dictionary below: value, key, value, key, and so on. */
  @SuppressWarnings("unchecked") // only value() makes maps
  private void setItems(List<Object> items) {
    if (!(stack.element() instanceof Map<?, ?> dictionary) || items.size() % 2 != 0) {
      throw bad("it is damaged at byte %d".formatted(bytes.position()));
    }
    for (int i = 0; i < items.size(); i += 2) {
      Object key = items.get(i + 1);
      if (!(key instanceof String || key instanceof Long)) {
        throw bad("a name in it is neither a text nor a number");
      }
      ((Map<Object, Object>) dictionary).put(key, items.get(i));
    }
  }

  private DataException bad(String fault) {
    return new DataException(
        "%s is not what nanoGPT writes beside its tokens: %s; a tokenizer.json can take its place"
            .formatted(file, fault));
  }
}
