package dev.culebra.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatchSamplerTest {
  private static final int SIZE = 1000;

  /** Token i is i: a row shows where it begins. */
  private final Tokens tokens = Tokens.of("t", SIZE, IntStream.range(0, SIZE).toArray());

  private final Batch batch = new Batch(6, 8);

  @AfterEach
  void close() {
    batch.close();
    tokens.close();
  }

  @Test
  void rowsAreContextsAndTargetsTheNextTokens() {
    new BatchSampler(tokens, Split.TRAIN, 1).fill(batch, 0, 0);
    int[] inputs = batch.inputs().toArray(JAVA_INT);
    int[] targets = batch.targets().toArray(JAVA_INT);
    assertThat(inputs).hasSize(48);
    for (int i = 0; i < inputs.length; i++) {
      assertThat(inputs[i]).isEqualTo(inputs[i - i % 8] + i % 8);
      assertThat(targets[i]).isEqualTo(inputs[i] + 1);
    }
    assertThat(IntStream.range(0, 6).map(row -> inputs[row * 8]).distinct().count())
        .isGreaterThan(3);
  }

  @Test
  void aBatchDependsOnlyOnItsNumbers() {
    int[] first = starts(1, Split.TRAIN, 5, 2);
    starts(1, Split.TRAIN, 6, 0);
    assertThat(starts(1, Split.TRAIN, 5, 2)).containsExactly(first);
    assertThat(starts(2, Split.TRAIN, 5, 2)).isNotEqualTo(first);
    assertThat(starts(1, Split.VALIDATION, 5, 2)).isNotEqualTo(first);
    assertThat(starts(1, Split.TRAIN, 6, 2)).isNotEqualTo(first);
    assertThat(starts(1, Split.TRAIN, 5, 3)).isNotEqualTo(first);
  }

  @Test
  void allContextsAreEquallyFrequent() {
    try (Tokens few = tokens.slice("few", 0, 12)) {
      BatchSampler sampler = new BatchSampler(few, Split.TRAIN, 7);
      int[] counts = new int[12];
      for (int step = 0; step < 1000; step++) {
        sampler.fill(batch, step, 0);
        for (int row = 0; row < 6; row++) {
          counts[batch.inputs().getAtIndex(JAVA_INT, row * 8L)]++;
        }
      }
      // 6000 draws from the 4 places where 9 tokens fit: 1500 each, deviation 34.
      assertThat(IntStream.of(counts).limit(4)).allMatch(count -> Math.abs(count - 1500) < 170);
      assertThat(IntStream.of(counts).skip(4)).containsOnly(0);
    }
  }

  @Test
  void theShortestTextHasOneContext() {
    Tokens shortest = tokens.slice("poem", 0, 9);
    new BatchSampler(shortest, Split.TRAIN, 1).fill(batch, 0, 0);
    assertThat(batch.inputs().getAtIndex(JAVA_INT, 40)).isZero();
    Tokens shorter = tokens.slice("poem", 0, 8);
    assertThatThrownBy(() -> new BatchSampler(shorter, Split.TRAIN, 1).fill(batch, 0, 0))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("poem has 8 tokens, but a context of 8 needs at least 9");
  }

  @Test
  void fillingAllocatesAlmostNothing() {
    BatchSampler sampler = new BatchSampler(tokens, Split.TRAIN, 1);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int batches = 2000;
    for (int step = 0; step < batches; step++) {
      sampler.fill(batch, step, 0);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int step = 0; step < batches; step++) {
      sampler.fill(batch, step, 0);
    }
    // A RandomStream with its four words is 96 bytes.
    assertThat((threads.getCurrentThreadAllocatedBytes() - before) / batches).isLessThan(256);
  }

  @Test
  void numbersOutOfRangeAreRejected() {
    BatchSampler sampler = new BatchSampler(tokens, Split.TRAIN, 1);
    assertThatThrownBy(() -> sampler.fill(batch, -1, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> sampler.fill(batch, 0, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> sampler.fill(batch, 0, 1 << 20))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anEmptyBatchIsRejectedAndClosingTwiceIsHarmless() {
    assertThatThrownBy(() -> new Batch(0, 8)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Batch(8, 0)).isInstanceOf(IllegalArgumentException.class);
    batch.close();
    batch.close();
    assertThatThrownBy(() -> batch.inputs().get(JAVA_INT, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  private int[] starts(long seed, Split split, int step, int microStep) {
    new BatchSampler(tokens, split, seed).fill(batch, step, microStep);
    return IntStream.range(0, 6)
        .map(row -> batch.inputs().getAtIndex(JAVA_INT, row * 8L))
        .toArray();
  }
}
