package dev.culebra.text;

import java.util.List;
import java.util.OptionalInt;

/**
 * What a byte-level BPE tokenizer consists of. Two definitions that are equal give every text the
 * same tokens.
 *
 * @param tokens token {@code i} as {@link ByteAlphabet} writes its bytes; null where the vocabulary
 *     has a gap or the token is an added one only
 * @param merges pairs of neighbours that become one token, the first to be applied first
 * @param added tokens that no merge makes
 * @param preTokenizer how a text is divided first
 * @param nfc whether a text is put into Unicode's normal form C before all else
 * @param wholeWordsFirst whether a word that is a token needs no merges that lead to it (Llama 3)
 * @param endOfText what stands between documents
 */
public record BpeDefinition(
    List<String> tokens,
    List<Merge> merges,
    List<AddedToken> added,
    PreTokenizer preTokenizer,
    boolean nfc,
    boolean wholeWordsFirst,
    OptionalInt endOfText) {
  /** The same, where {@code token} stands between documents. */
  public BpeDefinition withEndOfText(OptionalInt token) {
    return new BpeDefinition(tokens, merges, added, preTokenizer, nfc, wholeWordsFirst, token);
  }

  /** Two neighbours and the token that they become. */
  public record Merge(int left, int right, int token) {}
}
