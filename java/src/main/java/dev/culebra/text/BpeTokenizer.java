package dev.culebra.text;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * Byte-level byte-pair encoding (Sennrich et al., 2016; Radford et al., 2019) as in GPT-2, Llama 3
 * and Qwen: a text is split into words, the UTF-8 bytes of each word are tokens, and neighbours are
 * merged. Every text can be encoded.
 *
 * <p>Special tokens are only decoded; {@link #specialEncoder} also encodes them.
 */
public final class BpeTokenizer implements Tokenizer {
  private final BpeDefinition parts;
  private final BytePairs pairs;
  private final byte[][] bytes;

  /**
   * Creates the tokenizer.
   *
   * @throws IllegalArgumentException with one line, if a byte has no token, a token is not in the
   *     byte alphabet, or a number is outside the vocabulary
   */
  public BpeTokenizer(BpeDefinition parts) {
    this.parts = parts;
    this.bytes = bytes(parts);
    for (BpeDefinition.Merge merge : parts.merges()) {
      requireToken(merge.left());
      requireToken(merge.right());
      requireToken(merge.token());
    }
    parts.endOfText().ifPresent(this::requireToken);
    this.pairs = new BytePairs(parts);
  }

  private static byte[][] bytes(BpeDefinition parts) {
    List<String> tokens = parts.tokens();
    int vocab = tokens.size();
    for (AddedToken added : parts.added()) {
      vocab = Math.max(vocab, added.id() + 1);
    }
    byte[][] bytes = new byte[vocab][];
    for (AddedToken added : parts.added()) {
      bytes[added.id()] = added.content().getBytes(StandardCharsets.UTF_8);
    }
    for (int token = 0; token < tokens.size(); token++) {
      String written = tokens.get(token);
      if (bytes[token] == null && written != null) {
        bytes[token] = ByteAlphabet.bytes(written);
        if (bytes[token] == null) {
          throw new IllegalArgumentException(
              "token %d, \"%s\", is not in GPT-2's byte alphabet".formatted(token, written));
        }
      }
    }
    return bytes;
  }

  private void requireToken(int token) {
    if (token < 0 || token >= bytes.length) {
      throw new IllegalArgumentException(
          "token %d is outside the vocabulary of %d".formatted(token, bytes.length));
    }
  }

  /** The definition. */
  public BpeDefinition parts() {
    return parts;
  }

  @Override
  public String name() {
    return TokenizerKind.BPE.label();
  }

  @Override
  public String identity() {
    return parts.toString();
  }

  @Override
  public int vocab() {
    return bytes.length;
  }

  @Override
  public OptionalInt endOfText() {
    return parts.endOfText();
  }

  @Override
  public TokenEncoder encoder() {
    return encoder(parts.added().stream().filter(token -> !token.special()).toList());
  }

  @Override
  public TokenEncoder specialEncoder() {
    return encoder(parts.added());
  }

  @Override
  public boolean hasSpecialTokens() {
    return parts.added().stream().anyMatch(AddedToken::special);
  }

  private TokenEncoder encoder(List<AddedToken> recognised) {
    TokenEncoder encoder = new Encoder();
    return recognised.isEmpty() ? encoder : new AddedTokenEncoder(recognised, encoder);
  }

  @Override
  public TokenDecoder decoder() {
    return new Utf8TokenDecoder(this::bytes);
  }

  @Override
  public byte[] bytes(int token) {
    requireToken(token);
    return bytes[token] == null ? new byte[0] : bytes[token].clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BpeTokenizer that && parts.equals(that.parts);
  }

  @Override
  public int hashCode() {
    return parts.hashCode();
  }

  /** For example {@code bpe (512 tokens)}. */
  @Override
  public String toString() {
    return "%s (%d tokens)".formatted(name(), vocab());
  }

  /**
   * Encodes word by word and holds back text whose tokens may still change: the last word, and with
   * normal form C everything after the last ASCII character, which never combines with text before
   * it.
   */
  private final class Encoder implements TokenEncoder {
    private final WordCache cache = new WordCache();
    private final StringBuilder unnormalised = new StringBuilder();
    private final WordSplitter words = new WordSplitter(parts.preTokenizer());
    private int[] out;
    private int outCount;

    @Override
    public int[] accept(String piece) {
      words.append(parts.nfc() ? normalise(piece) : piece);
      return encode(false);
    }

    @Override
    public int[] finish() {
      if (!unnormalised.isEmpty()) {
        words.append(Normalizer.normalize(unnormalised, Normalizer.Form.NFC));
        unnormalised.setLength(0);
      }
      return encode(true);
    }

    private String normalise(String piece) {
      unnormalised.append(piece);
      int cut = unnormalised.length() - 1;
      while (cut > 0 && unnormalised.charAt(cut) > 0x7F) {
        cut--;
      }
      if (cut <= 0) {
        return "";
      }
      String known = unnormalised.substring(0, cut);
      unnormalised.delete(0, cut);
      return Normalizer.normalize(known, Normalizer.Form.NFC);
    }

    private int[] encode(boolean last) {
      out = new int[words.pending() / 4 + 8];
      outCount = 0;
      words.split(last, (text, from, end) -> add(cache.tokens(text, from, end)));
      int[] tokens = Arrays.copyOf(out, outCount);
      out = null;
      return tokens;
    }

    private void add(int[] tokens) {
      if (outCount + tokens.length > out.length) {
        out = Arrays.copyOf(out, Math.max(2 * out.length, outCount + tokens.length));
      }
      for (int token : tokens) {
        out[outCount++] = token;
      }
    }
  }

  /**
   * Caches the tokens of words: most of a text consists of a few thousand words. Not used for short
   * texts.
   */
  private final class WordCache {
    private static final int SLOTS = 1 << 14;
    private static final int LONGEST = 32;
    private static final int SHORT_TEXT = 256;

    private char[][] words;
    private int[][] tokens;
    private int met;

    int[] tokens(char[] text, int from, int end) {
      if (end - from > LONGEST || met < SHORT_TEXT) {
        met++;
        return pairs.encode(utf8(text, from, end));
      }
      if (words == null) {
        words = new char[SLOTS][];
        tokens = new int[SLOTS][];
      }
      int hash = 0;
      for (int i = from; i < end; i++) {
        hash = 31 * hash + text[i];
      }
      int slot = (hash ^ hash >>> 15) & SLOTS - 1;
      char[] word = words[slot];
      if (word == null || !Arrays.equals(word, 0, word.length, text, from, end)) {
        words[slot] = Arrays.copyOfRange(text, from, end);
        tokens[slot] = pairs.encode(utf8(text, from, end));
      }
      return tokens[slot];
    }

    /** An unpaired surrogate becomes {@code ?}. */
    private static byte[] utf8(char[] text, int from, int end) {
      return new String(text, from, end - from).getBytes(StandardCharsets.UTF_8);
    }
  }
}
