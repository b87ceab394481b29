package dev.culebra.text;

import java.util.Locale;

/**
 * How byte-level BPE splits a text into words before it merges bytes; merges never cross words.
 * Each rule is a regular expression that is matched repeatedly from the left. It is implemented as
 * a scanner, since {@code java.util.regex} is several times slower.
 */
public enum PreTokenizer {
  /** GPT-2's. */
  GPT2("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 0),

  /** Llama 3's, the same as OpenAI's cl100k_base: digits in groups of up to three. */
  LLAMA3(llama("\\p{N}{1,3}"), 3),

  /** Of Qwen2 and Qwen3: every digit alone. */
  QWEN2(llama("\\p{N}"), 1),

  /** SmolLM's: every digit alone, and GPT-2's rule for the text between digits. */
  SMOLLM(GPT2.pattern, 1);

  /** Returned by {@link #end} if the text known so far does not decide. */
  static final int UNDECIDED = -1;

  private static final byte OTHER = 0;
  private static final byte LETTER = 1;
  private static final byte NUMBER = 2;
  private static final byte SPACE = 3;

  /** Character classes of the rules: letter, number, white space or other. */
  private static final class Classes {
    /** For the characters of the basic plane. */
    private static final byte[] BASIC = new byte[Character.MIN_SUPPLEMENTARY_CODE_POINT];

    static {
      for (int c = 0; c < BASIC.length; c++) {
        BASIC[c] = compute(c);
      }
    }

    private static byte compute(int character) {
      return switch (Character.getType(character)) {
        case Character.UPPERCASE_LETTER,
            Character.LOWERCASE_LETTER,
            Character.TITLECASE_LETTER,
            Character.MODIFIER_LETTER,
            Character.OTHER_LETTER ->
            LETTER;
        case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
            NUMBER;
        default -> isWhiteSpace(character) ? SPACE : OTHER;
      };
    }

    /** Unicode's White_Space, unlike Java's isWhitespace, which excludes U+00A0 and U+0085. */
    private static boolean isWhiteSpace(int character) {
      return Character.isSpaceChar(character)
          || character >= '\t' && character <= '\r'
          || character == 0x85;
    }

    static byte of(int character) {
      return character < BASIC.length ? BASIC[character] : compute(character);
    }
  }

  private final String pattern;

  /**
   * The most digits per word; 0 for any number of them, with a space before them if there is one.
   */
  private final int digits;

  PreTokenizer(String pattern, int digits) {
    this.pattern = pattern;
    this.digits = digits;
  }

  private static String llama(String numbers) {
    return "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
        + numbers
        + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  }

  /** The name on the command line: {@code gpt2}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return label();
  }

  /** The regular expression, as in {@code tokenizer.json}. */
  public String pattern() {
    return pattern;
  }

  /**
   * The end of the word that starts at {@code from}.
   *
   * @param text UTF-16, known up to {@code limit}
   * @param from the start of a word, before {@code limit}
   * @param last whether the text ends at {@code limit}
   * @return {@link #UNDECIDED} if characters after {@code limit} may change the end
   */
  int end(char[] text, int from, int limit, boolean last) {
    int end =
        switch (this) {
          case GPT2, SMOLLM -> gpt2(text, from, limit, last);
          case LLAMA3, QWEN2 -> llama(text, from, limit, last);
        };
    // A word that reaches the limit may continue after it.
    return end == limit && !last ? UNDECIDED : end;
  }

  private int gpt2(char[] text, int from, int limit, boolean last) {
    if (text[from] == '\'') {
      int length = contraction(text, from, limit, false);
      if (length > 0) {
        return from + length;
      }
      if (!last && limit - from <= 2) {
        return UNDECIDED; // 'r may become 're
      }
    }
    int start = text[from] == ' ' && from + 1 < limit ? from + 1 : from;
    byte kind = kindAt(text, start, limit);
    if (kind == NUMBER && digits > 0) {
      return start > from ? start : next(text, from, limit);
    }
    return kind == SPACE ? whiteSpace(text, from, limit, last) : runEnd(text, start, limit, kind);
  }

  private int llama(char[] text, int from, int limit, boolean last) {
    char first = text[from];
    if (first == '\'') {
      int length = contraction(text, from, limit, true);
      if (length > 0) {
        return from + length;
      }
    }
    byte kind = kindAt(text, from, limit);
    if (kind == LETTER) {
      return runEnd(text, from, limit, LETTER);
    }
    int second = next(text, from, limit);
    if (kind == NUMBER) {
      int end = second;
      for (int i = 1; i < digits && end < limit && kindAt(text, end, limit) == NUMBER; i++) {
        end = next(text, end, limit);
      }
      return end;
    }
    byte kindOfSecond = second < limit ? kindAt(text, second, limit) : SPACE;
    if (kindOfSecond == LETTER && first != '\r' && first != '\n') {
      return runEnd(text, second, limit, LETTER);
    }
    if (kind == OTHER || first == ' ' && kindOfSecond == OTHER) {
      int end = runEnd(text, kind == OTHER ? from : second, limit, OTHER);
      while (end < limit && isLineEnd(text[end])) {
        end++;
      }
      return end;
    }
    return whiteSpace(text, from, limit, last);
  }

  /**
   * The end of white space. If a word follows and the run has several characters, the last one is
   * left to the word; Llama's rules end a run after its last line end.
   */
  private int whiteSpace(char[] text, int from, int limit, boolean last) {
    int end = runEnd(text, from, limit, SPACE);
    if (end == limit && !last) {
      return UNDECIDED;
    }
    if (this == LLAMA3 || this == QWEN2) {
      for (int i = end; i > from; i--) {
        if (isLineEnd(text[i - 1])) {
          return i;
        }
      }
    }
    boolean textEnds = end == limit || this == SMOLLM && kindAt(text, end, limit) == NUMBER;
    return textEnds || end == from + 1 ? end : end - 1;
  }

  /** The length of {@code 's}, {@code 're} … at {@code from}, or 0. */
  private static int contraction(char[] text, int from, int limit, boolean ignoreCase) {
    if (from + 1 >= limit) {
      return 0;
    }
    char first = letter(text[from + 1], ignoreCase);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return 2;
    }
    if (from + 2 >= limit) {
      return 0;
    }
    char second = letter(text[from + 2], ignoreCase);
    boolean found =
        second == 'e' && (first == 'r' || first == 'v') || second == 'l' && first == 'l';
    return found ? 3 : 0;
  }

  private static char letter(char c, boolean ignoreCase) {
    if (!ignoreCase) {
      return c;
    }
    return c == '\u017F' ? 's' : c <= 'Z' && c >= 'A' ? (char) (c + ('a' - 'A')) : c; // long s
  }

  private static boolean isLineEnd(char c) {
    return c == '\n' || c == '\r';
  }

  /** The end of the run of characters of {@code kind} that starts at {@code from}. */
  private static int runEnd(char[] text, int from, int limit, byte kind) {
    int end = from;
    while (end < limit && kindAt(text, end, limit) == kind) {
      end = next(text, end, limit);
    }
    return end;
  }

  private static byte kindAt(char[] text, int at, int limit) {
    char c = text[at];
    return Character.isHighSurrogate(c) && at + 1 < limit
        ? Classes.of(Character.codePointAt(text, at, limit))
        : Classes.BASIC[c];
  }

  private static int next(char[] text, int at, int limit) {
    boolean pair =
        Character.isHighSurrogate(text[at])
            && at + 1 < limit
            && Character.isLowSurrogate(text[at + 1]);
    return pair ? at + 2 : at + 1;
  }
}
