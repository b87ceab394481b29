package dev.culebra.text;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * GPT-2's byte-pair encoding (Radford et al., "Language models are unsupervised multitask
 * learners", 2019; known as r50k_base), computed by jtokkit. Every text can be encoded.
 *
 * <p>The special token {@link #END_OF_TEXT} is only decoded; {@link #specialEncoder} also encodes
 * it. Otherwise {@code <|endoftext|>} in a text is encoded as ordinary characters.
 */
public final class Gpt2Tokenizer implements Tokenizer {
  /** Separates the documents that GPT-2 was trained on. */
  public static final int END_OF_TEXT = 50256;

  private static final int VOCAB = 50257;
  private static final AddedToken END = new AddedToken(END_OF_TEXT, "<|endoftext|>", true);

  /** Characters processed together; bounds the memory for ordinary texts. */
  private static final int PIECE = 1 << 16;

  /** The table is loaded on first use (about 0.2 s) and shared. */
  private static final class Table {
    static final Encoding ENCODING =
        Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
  }

  @Override
  public String name() {
    return TokenizerKind.GPT2.label();
  }

  @Override
  public int vocab() {
    return VOCAB;
  }

  @Override
  public TokenEncoder encoder() {
    return new Encoder();
  }

  @Override
  public OptionalInt endOfText() {
    return OptionalInt.of(END_OF_TEXT);
  }

  @Override
  public TokenEncoder specialEncoder() {
    return new AddedTokenEncoder(List.of(END), encoder());
  }

  @Override
  public TokenDecoder decoder() {
    return new Utf8TokenDecoder(this::bytes);
  }

  /** Token {@code i} as {@link ByteAlphabet} writes its bytes. */
  public List<String> tokens() {
    return IntStream.range(0, VOCAB).mapToObj(token -> ByteAlphabet.written(bytes(token))).toList();
  }

  /** The same tokenizer with its merges spelled out, for other programs' files. */
  public BpeTokenizer writtenOut() {
    return new BpeTokenizer(
        BpeDefinition.ofRanks(tokens(), List.of(END), OptionalInt.of(END_OF_TEXT)));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Gpt2Tokenizer;
  }

  @Override
  public int hashCode() {
    return Gpt2Tokenizer.class.hashCode();
  }

  /** For example {@code gpt2 (50257 tokens)}. */
  @Override
  public String toString() {
    return "%s (%d tokens)".formatted(name(), vocab());
  }

  @Override
  public byte[] bytes(int token) {
    if (token < 0 || token >= VOCAB) {
      throw new IllegalArgumentException(
          "token %d is outside the vocabulary of %d".formatted(token, VOCAB));
    }
    IntArrayList one = new IntArrayList(1);
    one.add(token);
    return Table.ENCODING.decodeBytes(one);
  }

  /**
   * Encodes up to the last position in the text known so far at which a cut does not change the
   * tokens, and holds back the rest.
   *
   * <p>The encoding first splits the text by the pattern {@code '(?:[sdmt]|ll|ve|re)| ?\p{L}+|
   * ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}, then merges bytes within each match. In a run of
   * white space before a letter, the last character is never part of the match of the characters
   * before it: {@code \s+(?!\S)} gives it back, and it starts the next match (a space together with
   * the letters, a newline alone). So a cut before a space or newline that is followed by a letter
   * is always between two matches, and the part before the cut has the same matches, since {@code
   * (?!\S)} holds at its end just as before white space.
   */
  private static final class Encoder implements TokenEncoder {
    private final StringBuilder pending = new StringBuilder();

    @Override
    public int[] accept(String piece) {
      List<int[]> parts = new ArrayList<>();
      for (int from = 0; from < piece.length(); from += PIECE) {
        int known = pending.length();
        pending.append(piece, from, Math.min(from + PIECE, piece.length()));
        int cut = lastCut(Math.max(known - 1, 1));
        if (cut > 0) {
          parts.add(encode(pending.substring(0, cut)));
          pending.delete(0, cut);
        }
      }
      return IntArrays.concat(parts);
    }

    @Override
    public int[] finish() {
      int[] rest = encode(pending.toString());
      pending.setLength(0);
      return rest;
    }

    /** The last position from {@code from} on where the pending text may be cut, or 0. */
    private int lastCut(int from) {
      for (int i = pending.length() - 2; i >= from; i--) {
        char c = pending.charAt(i);
        if ((c == ' ' || c == '\n') && Character.isLetter(pending.charAt(i + 1))) {
          return i;
        }
      }
      return 0;
    }

    private static int[] encode(String text) {
      return Table.ENCODING.encodeOrdinary(text).toArray();
    }
  }
}
