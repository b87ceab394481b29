package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class WorkerPoolTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void runsEveryPartOnceInEveryLoop(int threads) {
    int loops = 2000;
    AtomicIntegerArray runs = new AtomicIntegerArray(17);
    try (WorkerPool pool = new WorkerPool(threads)) {
      assertThat(pool.threads()).isEqualTo(threads);
      for (int loop = 0; loop < loops; loop++) {
        pool.run(runs::incrementAndGet, loop % 18);
      }
    }
    for (int part = 0; part < 17; part++) {
      int shorterLoops = loops / 18 * (part + 1) + Math.min(part + 1, loops % 18);
      assertThat(runs.get(part)).as("part %d", part).isEqualTo(loops - shorterLoops);
    }
  }

  @Test
  void workIsVisibleToTheCallerAndBack() {
    int[] values = new int[64];
    try (WorkerPool pool = new WorkerPool(3)) {
      for (int loop = 1; loop <= 500; loop++) {
        pool.run(i -> values[i]++, values.length);
        for (int value : values) {
          assertThat(value).isEqualTo(loop);
        }
      }
    }
  }

  @Test
  void wakesThreadsThatHaveParked() throws InterruptedException {
    try (WorkerPool pool = new WorkerPool(2)) {
      for (int loop = 0; loop < 5; loop++) {
        Thread.sleep(20);
        AtomicReference<Thread> other = new AtomicReference<>();
        // The caller's part cannot end before another thread has begun one.
        pool.run(
            i -> {
              if (pool.slot() == 0) {
                while (other.get() == null) {
                  Thread.onSpinWait();
                }
              } else {
                other.set(Thread.currentThread());
              }
            },
            2);
        assertThat(other.get()).isNotNull().isNotSameAs(Thread.currentThread());
      }
    }
  }

  @Test
  void noTwoThreadsShareASlot() {
    int threads = 4;
    AtomicIntegerArray inUse = new AtomicIntegerArray(threads);
    AtomicIntegerArray clashes = new AtomicIntegerArray(1);
    try (WorkerPool pool = new WorkerPool(threads)) {
      for (int loop = 0; loop < 200; loop++) {
        pool.run(
            i -> {
              int slot = pool.slot();
              if (inUse.incrementAndGet(slot) != 1) {
                clashes.incrementAndGet(0);
              }
              Thread.yield();
              inUse.decrementAndGet(slot);
            },
            20);
      }
    }
    assertThat(clashes.get(0)).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void aFailureReachesTheCallerAndThePoolStaysUsable(int threads) {
    AtomicIntegerArray runs = new AtomicIntegerArray(1);
    try (WorkerPool pool = new WorkerPool(threads)) {
      for (int loop = 0; loop < 200; loop++) {
        int failing = loop % 8;
        RuntimeException cause = new ArithmeticException("part " + failing);
        assertThatThrownBy(
                () ->
                    pool.run(
                        i -> {
                          if (i == failing) {
                            throw cause;
                          }
                        },
                        8))
            .isSameAs(cause);
        pool.run(i -> runs.incrementAndGet(0), 8);
      }
    }
    assertThat(runs.get(0)).isEqualTo(200 * 8);
  }

  @Test
  void closeEndsTheThreads() throws InterruptedException {
    AtomicReference<Thread> worker = new AtomicReference<>();
    WorkerPool pool = new WorkerPool(2);
    pool.run(
        i -> {
          if (pool.slot() == 0) {
            while (worker.get() == null) {
              Thread.onSpinWait();
            }
          } else {
            worker.set(Thread.currentThread());
          }
        },
        2);
    pool.close();
    pool.close();
    worker.get().join(10_000);
    assertThat(worker.get().isAlive()).isFalse();
    assertThatThrownBy(() -> pool.run(i -> {}, 2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void needsAThread() {
    assertThatThrownBy(() -> new WorkerPool(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("threads must be at least 1, not 0");
  }

  @Test
  void scratchMemoryGrowsAndIsFreedWithThePool() {
    WorkerPool pool = new WorkerPool(2);
    ScratchMemory one = pool.scratch();
    ScratchMemory[] each = pool.scratchOfEach();
    one.floats(100);
    one.floats(10);
    each[1].floats(7);
    assertThat(each).hasSize(2);
    assertThat(pool.scratchBytes()).isEqualTo(428);
    one.floats(200);
    assertThat(pool.scratchBytes()).isEqualTo(828);

    pool.close();

    assertThat(pool.scratchBytes()).isZero();
    assertThatThrownBy(() -> one.floats(1)).isInstanceOf(IllegalStateException.class);
    pool.close();
  }
}
