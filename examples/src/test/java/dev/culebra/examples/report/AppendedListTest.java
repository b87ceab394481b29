package dev.culebra.examples.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AppendedListTest {
  private static final int MANY = 200_000;

  @Test
  void copiesDoNotChange() {
    AppendedList<Integer> list = new AppendedList<>(List.of(1, 2));
    List<Integer> two = list.copy();
    list.replaceLast(3);
    list.add(4);

    assertThat(two).containsExactly(1, 2);
    assertThat(list.copy()).containsExactly(1, 3, 4);
    assertThat(list.last()).isEqualTo(4);
    assertThat(new AppendedList<>(List.of()).last()).isNull();
  }

  @Test
  void aConcurrentReaderSeesAPrefix() throws InterruptedException {
    AppendedList<Integer> list = new AppendedList<>(List.of());
    Thread writer = Thread.ofPlatform().start(() -> IntStream.range(0, MANY).forEach(list::add));
    int seen = 0;
    while (seen < MANY) {
      List<Integer> copy = list.copy();
      assertThat(copy.size()).isGreaterThanOrEqualTo(seen);
      seen = copy.size();
      if (seen > 0) {
        assertThat(copy.getFirst()).isZero();
        assertThat(copy.getLast()).isEqualTo(seen - 1);
      }
    }
    writer.join();
  }
}
