package dev.culebra.text;

import dev.culebra.text.BpeDefinition.Merge;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Recovers the merges of a byte-level BPE from its tokens in the order in which they were learned,
 * which is all that OpenAI's and llm.c's files hold. Each token was merged from two earlier ones:
 * those that the earlier merges make of its bytes.
 */
final class MergesOfRanks {
  private final List<String> tokens;
  private final Map<String, Integer> ranks = new HashMap<>();

  private MergesOfRanks(List<String> tokens) {
    this.tokens = tokens;
    for (int token = 0; token < tokens.size(); token++) {
      if (tokens.get(token) != null) {
        ranks.putIfAbsent(tokens.get(token), token);
      }
    }
  }

  /**
   * The merges of {@code tokens}.
   *
   * @param tokens as {@link ByteAlphabet} writes them; null for tokens that no merge makes
   * @throws IllegalArgumentException if a token cannot be merged from two earlier ones
   */
  static List<Merge> of(List<String> tokens) {
    MergesOfRanks ranks = new MergesOfRanks(tokens);
    List<Merge> merges = new ArrayList<>(tokens.size());
    for (int token = 0; token < tokens.size(); token++) {
      if (tokens.get(token) != null && tokens.get(token).length() > 1) {
        merges.add(ranks.merge(token));
      }
    }
    return merges;
  }

  private Merge merge(int token) {
    List<String> parts = new ArrayList<>();
    tokens.get(token).chars().forEach(byteOf -> parts.add(Character.toString(byteOf)));
    while (parts.size() > 2) {
      int first = -1;
      int best = token;
      for (int i = 0; i + 1 < parts.size(); i++) {
        Integer rank = ranks.get(parts.get(i) + parts.get(i + 1));
        if (rank != null && rank < best) {
          best = rank;
          first = i;
        }
      }
      if (first < 0) {
        throw new IllegalArgumentException(
            "token %d, \"%s\", cannot be merged from two earlier ones"
                .formatted(token, tokens.get(token)));
      }
      parts.set(first, parts.get(first) + parts.remove(first + 1));
    }
    return new Merge(part(parts.getFirst(), token), part(parts.getLast(), token), token);
  }

  private int part(String part, int token) {
    Integer rank = ranks.get(part);
    if (rank == null) {
      throw new IllegalArgumentException(
          "token %d, \"%s\", cannot be merged from two earlier ones"
              .formatted(token, tokens.get(token)));
    }
    return rank;
  }
}
