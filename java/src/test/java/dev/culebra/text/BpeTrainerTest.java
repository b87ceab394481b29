package dev.culebra.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BpeTrainerTest {
  private static final List<String> END = List.of("<|endoftext|>");
  private static final int BYTES = 256;

  private static BpeDefinition train(int merges, String... documents) {
    BpeTrainer trainer = new BpeTrainer(PreTokenizer.GPT2);
    for (String document : documents) {
      trainer.add(document);
      trainer.endDocument();
    }
    return trainer.train(1 + BYTES + merges, END);
  }

  private static List<String> learned(BpeDefinition definition) {
    return definition.tokens().subList(1 + BYTES, definition.tokens().size());
  }

  @Test
  void theMostFrequentPairIsMergedFirst() {
    BpeDefinition definition = train(4, "low low low low lowest lowest newer newer newer wider");
    assertThat(learned(definition)).containsExactly("lo", "low", "Ġlow", "er");
    assertThat(definition.endOfText()).isEqualTo(OptionalInt.of(0));
    assertThat(new BpeTokenizer(definition).encode(" low")).containsExactly(1 + BYTES + 2);
  }

  @Test
  void equallyFrequentPairsAreMergedInTheOrderOfTheirTokens() {
    assertThat(learned(train(2, "zzyy", "zzyy", "abab"))).containsExactly("ab", "yy");
    assertThat(learned(train(1, "ba", "ba", "ab", "ab"))).containsExactly("ab");
  }

  @Test
  void aPairThatOccursOnceIsNotMerged() {
    assertThat(learned(train(100, "abcdefgh"))).isEmpty();
    assertThat(learned(train(100, "xy", "xy"))).containsExactly("xy");
  }

  @Test
  void aRunOfOneCharacterIsMergedFromTheLeft() {
    assertThat(learned(train(2, "aaaaa", "aaaaa"))).containsExactly("aa", "aaa");
  }

  @Test
  void noWordCrossesTheEndOfADocument() {
    assertThat(learned(train(1, "ab", "ab"))).containsExactly("ab");
    assertThat(learned(train(1, "a", "b", "a", "b"))).isEmpty();
  }

  @Test
  void piecesGiveTheMergesOfTheWhole() {
    String text = "It was the best of times, it was the worst of times. ".repeat(3);
    BpeTrainer trainer = new BpeTrainer(PreTokenizer.GPT2);
    text.chars().forEach(c -> trainer.add(Character.toString(c)));
    assertThat(trainer.train(300, END)).isEqualTo(train(300 - 1 - BYTES, text));
  }

  /** A text with few different characters has many equally frequent pairs. */
  @ParameterizedTest
  @EnumSource(PreTokenizer.class)
  void mergesEqualThoseOfTheNaiveAlgorithm(PreTokenizer preTokenizer) {
    Random random = new Random(3);
    for (int round = 0; round < 30; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 400; i++) {
        text.append("aabbc 1\né".charAt(random.nextInt(9)));
      }
      BpeTrainer trainer = new BpeTrainer(preTokenizer);
      trainer.add(text.toString());
      BpeDefinition definition = trainer.train(1 + BYTES + 40, END);
      assertThat(definition.merges())
          .isEqualTo(countedAnew(definition, words(preTokenizer, text.toString())));
    }
  }

  private static List<String> words(PreTokenizer preTokenizer, String text) {
    List<String> words = new ArrayList<>();
    WordSplitter splitter = new WordSplitter(preTokenizer);
    splitter.append(text);
    splitter.split(true, (chars, from, end) -> words.add(new String(chars, from, end - from)));
    return words;
  }

  /** The plain algorithm: counts all pairs of the whole text before each merge. */
  private static List<BpeDefinition.Merge> countedAnew(
      BpeDefinition definition, List<String> words) {
    BpeDefinition bytesOnly =
        new BpeDefinition(
            definition.tokens().subList(0, 1 + BYTES),
            List.of(),
            definition.added(),
            definition.preTokenizer(),
            false,
            false,
            definition.endOfText());
    BpeTokenizer bytes = new BpeTokenizer(bytesOnly);
    List<List<Integer>> split = new ArrayList<>();
    for (String word : words) {
      List<Integer> tokens = new ArrayList<>();
      for (int token : bytes.encode(word)) {
        tokens.add(token);
      }
      split.add(tokens);
    }
    List<BpeDefinition.Merge> merges = new ArrayList<>();
    for (BpeDefinition.Merge merge : definition.merges()) {
      long[] best = mostFrequent(split);
      assertThat(best[2]).isGreaterThan(1);
      int left = (int) best[0];
      int right = (int) best[1];
      merges.add(new BpeDefinition.Merge(left, right, merge.token()));
      for (List<Integer> tokens : split) {
        for (int i = 0; i + 1 < tokens.size(); i++) {
          if (tokens.get(i) == left && tokens.get(i + 1) == right) {
            tokens.set(i, merge.token());
            tokens.remove(i + 1);
          }
        }
      }
    }
    return merges;
  }

  private static long[] mostFrequent(List<List<Integer>> words) {
    java.util.TreeMap<Long, Long> counts = new java.util.TreeMap<>();
    for (List<Integer> tokens : words) {
      for (int i = 0; i + 1 < tokens.size(); i++) {
        counts.merge((long) tokens.get(i) << 32 | tokens.get(i + 1), 1L, Long::sum);
      }
    }
    long best = -1;
    long count = 0;
    for (var entry : counts.entrySet()) {
      if (entry.getValue() > count) {
        best = entry.getKey();
        count = entry.getValue();
      }
    }
    return new long[] {best >>> 32, (int) best, count};
  }

  @Test
  void aVocabularyNeedsRoomForTheBytes() {
    BpeTrainer trainer = new BpeTrainer(PreTokenizer.GPT2);
    assertThatThrownBy(() -> trainer.train(256, END))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a vocabulary of 256 is too small: 256 bytes and 1 special tokens need 257");
  }
}
