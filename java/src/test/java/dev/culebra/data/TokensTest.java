package dev.culebra.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokensTest {
  @ParameterizedTest
  @ValueSource(ints = {65_535, 65_536, 65_537, 1_000_000})
  void keepTheirValuesInEitherWidth(int vocab) {
    try (Tokens tokens = Tokens.of("t", vocab, 0, 1, 40_000, vocab - 1)) {
      assertThat(tokens.size()).isEqualTo(4);
      assertThat(tokens.token(2)).isEqualTo(40_000);
      assertThat(tokens.token(3)).isEqualTo(vocab - 1);
      int[] copy = new int[5];
      tokens.copy(1, 3, copy, 2);
      assertThat(copy).containsExactly(0, 0, 1, 40_000, vocab - 1);
    }
  }

  @Test
  void memoryGrowsWithTheTokens() {
    try (TokenCollector collector = new TokenCollector("t", 1000)) {
      for (int i = 0; i < 100_000; i += 4) {
        collector.add(i % 1000, (i + 1) % 1000, (i + 2) % 1000, (i + 3) % 1000);
      }
      try (Tokens tokens = collector.finish()) {
        assertThat(tokens.size()).isEqualTo(100_000);
        for (int i = 0; i < 100_000; i++) {
          if (tokens.token(i) != i % 1000) {
            assertThat(tokens.token(i)).as("token %d", i).isEqualTo(i % 1000);
          }
        }
      }
    }
  }

  @Test
  void copyWritesOnlyItsRange() {
    try (Arena arena = Arena.ofConfined();
        Tokens tokens = Tokens.of("t", 10, 5, 6, 7)) {
      MemorySegment to = arena.allocate(JAVA_INT, 4);
      tokens.copy(1, 2, to, 1);
      assertThat(to.toArray(JAVA_INT)).containsExactly(0, 6, 7, 0);
    }
  }

  @Test
  void rejectIndicesOutOfRange() {
    try (Tokens tokens = Tokens.of("t", 10, 5, 6, 7)) {
      assertThatThrownBy(() -> tokens.token(3)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tokens.copy(2, 2, new int[2], 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tokens.copy(0, 3, new int[2], 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tokens.slice("s", 2, 4))
          .isInstanceOf(IndexOutOfBoundsException.class);
      Tokens slice = tokens.slice("s", 1, 2);
      assertThat(slice.token(0)).isEqualTo(6);
      assertThatThrownBy(() -> slice.token(1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThatThrownBy(() -> Tokens.of("t", 10, 10)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aSliceDoesNotOwn() {
    Tokens tokens = Tokens.of("t", 10, 5, 6, 7);
    Tokens slice = tokens.slice("s", 1, 3);
    slice.close();
    assertThat(slice.token(1)).isEqualTo(7);
    tokens.close();
    tokens.close();
    assertThatThrownBy(() -> slice.token(1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> tokens.token(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void mustHoldAContextAndOneMore() {
    try (Tokens tokens = Tokens.of("poem.txt", 10, 1, 2, 3, 4)) {
      tokens.requireContext(3);
      assertThatThrownBy(() -> tokens.requireContext(4))
          .isInstanceOf(DataException.class)
          .hasMessage(
              "poem.txt has 4 tokens, but a context of 4 needs at least 5: use a longer text or a"
                  + " shorter context");
    }
  }
}
