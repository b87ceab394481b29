package dev.culebra.text;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The definition of a byte-level BPE tokenizer. Equal definitions give equal tokens for every text.
 *
 * @param tokens token {@code i} in the {@link ByteAlphabet}; null for a gap in the vocabulary or a
 *     token that is only an added one
 * @param merges pairs of neighbours that become one token, in order of priority
 * @param added tokens that do not come from merges
 * @param preTokenizer how a text is first split into words
 * @param nfc whether a text is first converted to Unicode's normal form C
 * @param wholeWordsFirst whether a word that is a token is used directly, without merges (Llama 3)
 * @param endOfText the token between documents
 */
public record BpeDefinition(
    List<String> tokens,
    List<Merge> merges,
    List<AddedToken> added,
    PreTokenizer preTokenizer,
    boolean nfc,
    boolean wholeWordsFirst,
    OptionalInt endOfText) {
  /** A copy with {@code token} between documents. */
  public BpeDefinition withEndOfText(OptionalInt token) {
    return new BpeDefinition(tokens, merges, added, preTokenizer, nfc, wholeWordsFirst, token);
  }

  /**
   * GPT-2's kind of BPE, from its tokens alone in the order in which they were learned.
   *
   * @param tokens as {@link ByteAlphabet} writes them, added ones among them
   * @throws IllegalArgumentException with one line, if one cannot be merged from two earlier ones
   */
  public static BpeDefinition ofRanks(
      List<String> tokens, List<AddedToken> added, OptionalInt endOfText) {
    List<String> merged = new ArrayList<>(tokens);
    added.forEach(token -> merged.set(token.id(), null));
    return new BpeDefinition(
        tokens, MergesOfRanks.of(merged), added, PreTokenizer.GPT2, false, false, endOfText);
  }

  /** Two neighbours and their merged token. */
  public record Merge(int left, int right, int token) {}
}
