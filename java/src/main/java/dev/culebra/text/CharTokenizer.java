package dev.culebra.text;

import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/**
 * One token per character: token {@code i} is the {@code i}-th character of the vocabulary.
 * Characters are Unicode code points, so a character outside the basic plane is also one token.
 */
public final class CharTokenizer implements Tokenizer {
  private static final int UNKNOWN = -1;

  private final int[] characters;

  /** The token of each code point up to the highest in the vocabulary. */
  private final int[] tokens;

  private CharTokenizer(int[] characters) {
    if (characters.length == 0) {
      throw new IllegalArgumentException("a vocabulary needs at least one character");
    }
    this.characters = characters;
    this.tokens = new int[Arrays.stream(characters).max().getAsInt() + 1];
    Arrays.fill(tokens, UNKNOWN);
    for (int token = 0; token < characters.length; token++) {
      int character = characters[token];
      if (isSurrogate(character)) {
        throw new IllegalArgumentException(
            "an unpaired surrogate is not a character: U+%04X".formatted(character));
      }
      if (tokens[character] != UNKNOWN) {
        throw new IllegalArgumentException(
            "character U+%04X occurs twice in the vocabulary".formatted(character));
      }
      tokens[character] = token;
    }
  }

  /**
   * The characters of {@code text}, in the order of their code points.
   *
   * @throws IllegalArgumentException if the text is empty or has an unpaired surrogate
   */
  public static CharTokenizer of(String text) {
    return new Builder().add(text).build();
  }

  /**
   * A vocabulary as given: token {@code i} is {@code characters[i]}.
   *
   * @throws IllegalArgumentException if there are none, one occurs twice, or one is not the code
   *     point of a character
   */
  public static CharTokenizer ofVocabulary(int... characters) {
    for (int character : characters) {
      if (!Character.isValidCodePoint(character)) {
        throw new IllegalArgumentException("not a code point: " + character);
      }
    }
    return new CharTokenizer(characters.clone());
  }

  /**
   * These tokens, followed by {@code other}'s characters that are missing here, in its order; this
   * object if none are missing.
   */
  public CharTokenizer with(CharTokenizer other) {
    int[] more =
        Arrays.stream(other.characters)
            .filter(character -> character >= tokens.length || tokens[character] == UNKNOWN)
            .toArray();
    return more.length == 0
        ? this
        : new CharTokenizer(
            IntStream.concat(Arrays.stream(characters), Arrays.stream(more)).toArray());
  }

  /** Collects the vocabulary of a text that comes in pieces. Not thread-safe. */
  public static final class Builder {
    private final BitSet seen = new BitSet();

    /** Adds the characters of {@code piece}, which must not end inside a surrogate pair. */
    public Builder add(String piece) {
      for (int i = 0; i < piece.length(); ) {
        int character = piece.codePointAt(i);
        seen.set(character);
        i += Character.charCount(character);
      }
      return this;
    }

    /** Whether no character has been added yet. */
    public boolean isEmpty() {
      return seen.isEmpty();
    }

    /**
     * The tokenizer for all characters added.
     *
     * @throws IllegalArgumentException if there are none or one is an unpaired surrogate
     */
    public CharTokenizer build() {
      return new CharTokenizer(seen.stream().toArray());
    }
  }

  /** The code point of each token. */
  public int[] vocabulary() {
    return characters.clone();
  }

  @Override
  public String name() {
    return TokenizerKind.CHAR.label();
  }

  /** The characters of all tokens, in order. */
  @Override
  public String identity() {
    return new String(characters, 0, characters.length);
  }

  @Override
  public int vocab() {
    return characters.length;
  }

  @Override
  public TokenEncoder encoder() {
    return new Encoder();
  }

  @Override
  public TokenDecoder decoder() {
    return new Decoder();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CharTokenizer that && Arrays.equals(characters, that.characters);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(characters);
  }

  /** For example {@code char (65 tokens)}. */
  @Override
  public String toString() {
    return "%s (%d tokens)".formatted(name(), vocab());
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  private final class Encoder implements TokenEncoder {
    private long position;

    @Override
    public int[] accept(String piece) {
      int[] out = new int[piece.length()];
      int count = 0;
      for (int i = 0; i < piece.length(); ) {
        int character = piece.codePointAt(i);
        position++;
        int token = character < tokens.length ? tokens[character] : UNKNOWN;
        if (token == UNKNOWN) {
          throw new UnknownCharacterException(character, position, vocab());
        }
        out[count++] = token;
        i += Character.charCount(character);
      }
      return count == out.length ? out : Arrays.copyOf(out, count);
    }

    @Override
    public int[] finish() {
      return IntArrays.EMPTY;
    }
  }

  private final class Decoder implements TokenDecoder {
    @Override
    public String accept(int token) {
      if (token < 0 || token >= characters.length) {
        throw new IllegalArgumentException(
            "token %d is outside the vocabulary of %d".formatted(token, vocab()));
      }
      return Character.toString(characters[token]);
    }

    @Override
    public String finish() {
      return "";
    }
  }
}
