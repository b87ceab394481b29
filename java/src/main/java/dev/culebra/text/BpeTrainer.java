package dev.culebra.text;

import dev.culebra.text.BpeDefinition.Merge;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.TreeMap;

/**
 * Learns the merges of byte-level BPE from a text: repeatedly, the most frequent pair of neighbours
 * becomes a token. Among equally frequent pairs, the one with the lower left token wins, then the
 * one with the lower right token. This is the rule of Hugging Face's trainer, so equal texts give
 * equal merges. Special tokens come first in the vocabulary, then the 256 bytes in the order of
 * {@link ByteAlphabet}'s characters, then the merged tokens in order.
 *
 * <p>The text may come in pieces; only its distinct words are kept. Not thread-safe.
 */
public final class BpeTrainer {
  private static final int BYTES = 256;

  private final PreTokenizer preTokenizer;
  private final WordSplitter splitter;
  private final Map<String, long[]> counts = new HashMap<>();

  /** A trainer that splits texts into words by {@code preTokenizer}. */
  public BpeTrainer(PreTokenizer preTokenizer) {
    this.preTokenizer = preTokenizer;
    this.splitter = new WordSplitter(preTokenizer);
  }

  /** Adds the next piece of the text, which must not end inside a surrogate pair. */
  public void add(String piece) {
    splitter.append(piece);
    splitter.split(false, this::count);
  }

  /** Ends a document: no word continues across this point. */
  public void endDocument() {
    splitter.split(true, this::count);
  }

  /** The number of tokens before the first merge. */
  public static int leastVocab(List<String> specials) {
    return specials.size() + BYTES;
  }

  private void count(char[] text, int from, int end) {
    counts.computeIfAbsent(new String(text, from, end - from), _ -> new long[1])[0]++;
  }

  /**
   * Learns merges until there are {@code vocab} tokens, or no pair occurs twice.
   *
   * @param specials the text of special tokens; they get the first numbers, and the first of them
   *     separates documents
   * @throws IllegalArgumentException if {@code vocab} has no room for the bytes and special tokens
   */
  public BpeDefinition train(int vocab, List<String> specials) {
    endDocument();
    if (vocab < leastVocab(specials)) {
      throw new IllegalArgumentException(
          "a vocabulary of %d is too small: %d bytes and %d special tokens need %d"
              .formatted(vocab, BYTES, specials.size(), leastVocab(specials)));
    }
    List<String> tokens = new ArrayList<>(specials);
    List<AddedToken> added = new ArrayList<>();
    for (String special : specials) {
      added.add(new AddedToken(added.size(), special, true));
    }
    TreeMap<Character, Integer> bytes = new TreeMap<>();
    for (int b = 0; b < BYTES; b++) {
      bytes.put(ByteAlphabet.character(b), b);
    }
    int[] tokenOfByte = new int[BYTES];
    bytes.forEach(
        (character, b) -> {
          tokenOfByte[b] = tokens.size();
          tokens.add(character.toString());
        });
    List<Merge> merges = new Training(tokens, tokenOfByte).learn(vocab);
    return new BpeDefinition(
        List.copyOf(tokens),
        List.copyOf(merges),
        List.copyOf(added),
        preTokenizer,
        false,
        false,
        added.isEmpty() ? OptionalInt.empty() : OptionalInt.of(0));
  }

  /** A pair and its count when it was queued. */
  private record Candidate(long count, long pair) implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      int byCount = Long.compare(other.count, count);
      return byCount != 0 ? byCount : Long.compare(pair, other.pair);
    }
  }

  /** The count of a pair and its words; a listed word may no longer contain the pair. */
  private static final class Pair {
    private long count;
    private int[] words = new int[2];
    private int size;

    void addWord(int word) {
      if (size > 0 && words[size - 1] == word) {
        return;
      }
      if (size == words.length) {
        words = Arrays.copyOf(words, 2 * size);
      }
      words[size++] = word;
    }
  }

  /**
   * The state of training. Each merge visits only the words that contain its pair, and changes only
   * the counts of adjacent pairs. Queued counts may be too high, but never too low, except for
   * pairs that are queued again; a pair whose count has changed is requeued.
   */
  private final class Training {
    private final List<String> tokens;
    private final Map<String, Integer> numbers = new HashMap<>();
    private final int[][] words = new int[counts.size()][];
    private final long[] frequency = new long[counts.size()];
    private final Map<Long, Pair> pairs = new HashMap<>();
    private final PriorityQueue<Candidate> queue = new PriorityQueue<>();

    Training(List<String> tokens, int[] tokenOfByte) {
      this.tokens = tokens;
      for (int i = 0; i < tokens.size(); i++) {
        numbers.put(tokens.get(i), i);
      }
      int word = 0;
      for (Map.Entry<String, long[]> entry : counts.entrySet()) {
        byte[] bytes = entry.getKey().getBytes(StandardCharsets.UTF_8);
        words[word] = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
          words[word][i] = tokenOfByte[bytes[i] & 0xFF];
        }
        frequency[word] = entry.getValue()[0];
        for (int i = 0; i + 1 < bytes.length; i++) {
          change(words[word][i], words[word][i + 1], word, frequency[word]);
        }
        word++;
      }
      pairs.forEach((pair, found) -> queue.add(new Candidate(found.count, pair)));
    }

    private Pair change(int left, int right, int word, long by) {
      Pair pair = pairs.computeIfAbsent(key(left, right), _ -> new Pair());
      pair.count += by;
      if (by > 0) {
        pair.addWord(word);
      }
      return pair;
    }

    List<Merge> learn(int vocab) {
      List<Merge> merges = new ArrayList<>();
      while (tokens.size() < vocab && !queue.isEmpty()) {
        Candidate best = queue.poll();
        Pair pair = pairs.get(best.pair);
        if (pair.count != best.count) {
          if (pair.count > 1) {
            queue.add(new Candidate(pair.count, best.pair));
          }
          continue;
        }
        if (best.count < 2) {
          break;
        }
        merges.add(merge(best.pair, pair));
      }
      return merges;
    }

    private Merge merge(long key, Pair pair) {
      int left = (int) (key >>> Integer.SIZE);
      int right = (int) key;
      String written = tokens.get(left) + tokens.get(right);
      // Two pairs may give the same token: (a, bc) and (ab, c).
      int token =
          numbers.computeIfAbsent(
              written,
              _ -> {
                tokens.add(written);
                return tokens.size() - 1;
              });
      Map<Long, Pair> risen = new HashMap<>();
      for (int i = 0; i < pair.size; i++) {
        words[pair.words[i]] = merge(pair.words[i], left, right, token, risen);
      }
      pair.count = 0;
      pair.words = new int[2];
      pair.size = 0;
      risen.forEach((other, found) -> queue.add(new Candidate(found.count, other)));
      return new Merge(left, right, token);
    }

    private int[] merge(int word, int left, int right, int token, Map<Long, Pair> risen) {
      int[] old = words[word];
      long by = frequency[word];
      int[] merged = new int[old.length];
      int count = 0;
      for (int i = 0; i < old.length; i++) {
        if (old[i] != left || i + 1 == old.length || old[i + 1] != right) {
          merged[count++] = old[i];
          continue;
        }
        if (count > 0) {
          int before = merged[count - 1];
          change(before, left, word, -by);
          risen.put(key(before, token), change(before, token, word, by));
        }
        if (i + 2 < old.length) {
          change(right, old[i + 2], word, -by);
          risen.put(key(token, old[i + 2]), change(token, old[i + 2], word, by));
        }
        merged[count++] = token;
        i++;
      }
      return count == old.length ? old : Arrays.copyOf(merged, count);
    }

    private static long key(int left, int right) {
      return (long) left << Integer.SIZE | right;
    }
  }
}
