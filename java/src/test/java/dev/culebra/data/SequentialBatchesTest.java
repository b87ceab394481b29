package dev.culebra.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SequentialBatchesTest {
  @ParameterizedTest
  @CsvSource({"2, 3, 4", "12, 3, 4", "13, 3, 4", "14, 3, 4", "25, 3, 4", "100, 7, 5", "9, 1, 1"})
  void everyTokenExceptTheFirstIsPredictedOnce(int size, int rows, int context) {
    try (Tokens tokens = Tokens.of("t", size, IntStream.range(0, size).toArray());
        Batch batch = new Batch(rows, context)) {
      SequentialBatches batches = new SequentialBatches(tokens, rows, context);
      int[] predicted = new int[size];
      long total = 0;
      for (long index = 0; index < batches.count(); index++) {
        long valid = batches.fill(batch, index);
        total += valid;
        for (long i = 0; i < batch.tokens(); i++) {
          int input = batch.inputs().getAtIndex(JAVA_INT, i);
          int target = batch.targets().getAtIndex(JAVA_INT, i);
          if (i < valid) {
            assertThat(target).isEqualTo(input + 1);
            predicted[target]++;
          } else {
            assertThat(target).isEqualTo(Batch.IGNORE);
            assertThat(input).isZero();
          }
        }
      }
      assertThat(total).isEqualTo(batches.targets()).isEqualTo(size - 1);
      assertThat(predicted[0]).isZero();
      assertThat(IntStream.of(predicted).skip(1)).containsOnly(1);
    }
  }

  @Test
  void rejectsIndicesOutOfRange() {
    try (Tokens tokens = Tokens.of("t", 3, 0, 1, 2);
        Batch batch = new Batch(1, 2);
        Batch other = new Batch(2, 1)) {
      SequentialBatches batches = new SequentialBatches(tokens, 1, 2);
      assertThat(batches.count()).isEqualTo(1);
      assertThatThrownBy(() -> batches.fill(batch, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> batches.fill(other, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("batch is (2, 1), not (1, 2)");
      Tokens one = tokens.slice("one", 0, 1);
      assertThatThrownBy(() -> new SequentialBatches(one, 1, 2)).isInstanceOf(DataException.class);
    }
  }
}
