package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.data.Addition.Problem;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AdditionTest {
  private static final Addition TWO = new Addition(2);

  private static int[] ints(java.lang.foreign.MemorySegment segment) {
    return segment.toArray(ValueLayout.JAVA_INT);
  }

  private static int[][] filled(Split split, long seed, int step, int rows) {
    try (Batch batch = new Batch(rows, TWO.context())) {
      TWO.batches(split, seed).fill(batch, step, 0);
      return new int[][] {ints(batch.inputs()), ints(batch.targets())};
    }
  }

  private static Problem problem(int[] inputs, int row) {
    int[] tokens =
        Arrays.copyOfRange(inputs, row * TWO.context(), row * TWO.context() + TWO.context());
    String text = TWO.tokenizer().decode(tokens);
    return new Problem(
        Integer.parseInt(text.substring(0, 2)), Integer.parseInt(text.substring(3, 5)));
  }

  @Test
  void aProblemIsWrittenWithTheDigitsOfItsSumTurnedRound() {
    assertThat(TWO.question(new Problem(12, 34))).isEqualTo("12+34=");
    assertThat(TWO.answer(46)).isEqualTo("640");
    assertThat(new Addition(3).question(new Problem(5, 999))).isEqualTo("005+999=");
    assertThat(new Addition(3).answer(1004)).isEqualTo("4001");
  }

  @Test
  void onlyTheAnswerIsATarget() {
    int[][] batch = filled(Split.TRAIN, 1, 0, 50);
    for (int row = 0; row < 50; row++) {
      Problem problem = problem(batch[0], row);
      int[] targets = Arrays.copyOfRange(batch[1], row * TWO.context(), (row + 1) * TWO.context());
      assertThat(Arrays.copyOf(targets, 5)).containsOnly(Batch.IGNORE);
      assertThat(TWO.tokenizer().decode(Arrays.copyOfRange(targets, 5, 8)))
          .isEqualTo(TWO.answer(problem.sum()));
    }
  }

  @Test
  void heldOutProblemsAreNeverTrainedOnAndAllOthersAre() {
    Set<Problem> trained = new HashSet<>();
    for (int step = 0; step < 100; step++) {
      int[][] batch = filled(Split.TRAIN, 3, step, 1000);
      for (int row = 0; row < 1000; row++) {
        trained.add(problem(batch[0], row));
      }
    }
    Set<Problem> heldOut = new HashSet<>(TWO.heldOut(10_000));
    assertThat(heldOut).hasSizeBetween(900, 1100).doesNotContainAnyElementsOf(trained);
    assertThat(trained.size() + heldOut.size()).isEqualTo(10_000);
  }

  @Test
  void validationBatchesAreOfHeldOutProblems() {
    int[][] batch = filled(Split.VALIDATION, 3, 0, 200);
    for (int row = 0; row < 200; row++) {
      assertThat(TWO.isHeldOut(problem(batch[0], row))).isTrue();
    }
  }

  @Test
  void batchesDependOnSeedAndStepAlone() {
    assertThat(filled(Split.TRAIN, 7, 5, 20)).isDeepEqualTo(filled(Split.TRAIN, 7, 5, 20));
    assertThat(filled(Split.TRAIN, 7, 5, 20)[0]).isNotEqualTo(filled(Split.TRAIN, 7, 6, 20)[0]);
    assertThat(filled(Split.TRAIN, 7, 5, 20)[0]).isNotEqualTo(filled(Split.TRAIN, 8, 5, 20)[0]);
  }

  @Test
  void ofManyProblemsSomeAreHeldOut() {
    Addition eight = new Addition(8);
    assertThat(eight.heldOut(300)).hasSize(300).allMatch(eight::isHeldOut);
    assertThat(eight.answer(199_999_998)).hasSize(9);
  }

  @Test
  void namesAndImpossibleDigits() {
    assertThat(Addition.find("addition")).contains(TWO);
    assertThat(Addition.find("addition-5")).contains(new Addition(5));
    assertThat(Addition.find("dickens")).isEmpty();
    assertThat(Addition.find("./addition")).isEmpty();
    assertThatThrownBy(() -> Addition.find("addition-9"))
        .isInstanceOf(DataException.class)
        .hasMessage("addition takes numbers of 1 to 8 digits, not 9");
    assertThatThrownBy(() -> TWO.requireContext(64))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("--context 8, not 64");
  }
}
