package dev.culebra.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.cuda.HopperAttention.Backward;
import dev.culebra.backend.cuda.HopperAttention.Forward;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How work is distributed over the 132 multiprocessors of a Hopper GPU. */
class HopperAttentionTest {
  private static final int MULTIPROCESSORS = 132;

  /** The most dynamic shared memory per block. */
  private static final int MAX_SHARED_BYTES = 227 << 10;

  @ParameterizedTest
  @EnumSource(Forward.class)
  void aBlockFitsIntoAMultiprocessor(Forward shape) {
    assertThat(shape.sharedBytes()).isBetween(MAX_SHARED_BYTES / 2, MAX_SHARED_BYTES);
    assertThat(shape.threads()).isLessThanOrEqualTo(1024);
  }

  @ParameterizedTest
  @CsvSource({
    "D64, 384, 1024, 132",
    "D64, 1, 1, 1",
    "D64, 1, 128, 1",
    "D64, 1, 129, 1",
    "D64, 1, 257, 2",
    "D64, 3, 1024, 12",
    "D128, 1, 192, 1",
    "D128, 1, 193, 2",
    "D128, 100000, 100000, 132"
  })
  void everyForwardBlockHasAnItem(Forward shape, int heads, int time, int blocks) {
    assertThat(shape.blocks(heads, time, MULTIPROCESSORS)).isEqualTo(blocks);
  }

  @ParameterizedTest
  @CsvSource({
    "D64, 384, 256, 1",
    "D64, 384, 1024, 64", // 76 of 262 KB fit: six sets
    "D64, 48, 8192, 8",
    "D128, 24, 8192, 4",
    "D64, 3, 1024, 3",
    "D64, 5, 1000000, 1" // one does not fit
  })
  void setsOfHeadsFitIntoTheCacheAndAreEquallyLarge(
      Forward shape, int heads, int time, int headsOfSet) {
    assertThat(shape.headsOfSet(heads, time)).isEqualTo(headsOfSet);
  }

  @ParameterizedTest
  @CsvSource({
    "384, 1024, true, true", // measured: 401 µs, single key blocks 419
    "384, 256, true, true", // measured: 59 µs, 76
    "48, 8192, true, false", // measured: single key blocks 2239 µs, whole heads 5273
    "384, 2048, true, false", // the sums of whole heads would not stay in the cache
    "140, 1024, true, false", // eight heads would be alone in a second round
    "12, 1024, true, false",
    "1, 1, true, true",
    "132, 1024, false, true"
  })
  void wholeHeadsAreUsedIfTheyKeepAllMultiprocessorsBusy(
      int heads, int time, boolean causal, boolean wholeHeads) {
    assertThat(Backward.plan(heads, time, causal, MULTIPROCESSORS).wholeHeads())
        .isEqualTo(wholeHeads);
  }

  @ParameterizedTest
  @CsvSource({"1, 129", "7, 1000", "48, 8192", "131, 4096", "1000, 40000"})
  void aBandOfSingleKeyBlocksTakesTwoRounds(int heads, int time) {
    Backward plan = Backward.plan(heads, time, true, MULTIPROCESSORS);
    int tiles = Backward.tiles(time);
    assertThat(plan.wholeHeads()).isFalse();
    assertThat(plan.blocks()).isEqualTo(Math.min(heads * tiles, MULTIPROCESSORS));
    assertThat(plan.band()).isBetween(1, heads);
    assertThat(plan.band() * (tiles + 1)).isLessThanOrEqualTo(Math.max(264, tiles + 1));
    assertThat(plan.sums(heads, time)).isEqualTo((long) heads * tiles * 128 * 64);
  }
}
