package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The effect of a process's lock on other processes and on itself. */
class RunLockTest {
  @TempDir Path directory;

  /** Another process that tries to get the lock. */
  static final class Rival {
    public static void main(String[] args) {
      try (RunLock _ = RunLock.acquire(Path.of(args[0]))) {
        System.out.println("acquired");
      } catch (IOException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void keepsOtherProcessesOutUntilItIsClosed() throws IOException {
    try (RunLock _ = RunLock.acquire(directory)) {
      assertThat(rival()).isEqualTo(refusal(directory));
    }
    assertThat(rival()).isEqualTo("acquired");
  }

  @Test
  void aSecondAttemptInTheSameProcessKeepsTheLock() throws IOException {
    Path otherWords = directory.resolve("..").resolve(directory.getFileName());
    try (RunLock _ = RunLock.acquire(directory)) {
      assertThatThrownBy(() -> RunLock.acquire(otherWords)).hasMessage(refusal(otherWords));
      assertThat(rival()).isEqualTo(refusal(directory));
    }
  }

  @Test
  void closingTwiceReleasesOnlyItsOwnLock() throws IOException {
    RunLock first = RunLock.acquire(directory);
    first.close();
    try (RunLock _ = RunLock.acquire(directory)) {
      first.close();
      assertThatThrownBy(() -> RunLock.acquire(directory)).hasMessage(refusal(directory));
    }
  }

  @Test
  void aFailedAttemptCanBeRepeated() throws IOException {
    Path later = directory.resolve("later");
    assertThatThrownBy(() -> RunLock.acquire(later))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot lock %s: no such file or directory: %s", later.resolve("lock"), later);
    Files.createDirectory(later);
    Files.createDirectory(later.resolve("lock"));
    assertThatThrownBy(() -> RunLock.acquire(later))
        .hasMessage("cannot lock %s: %s", later.resolve("lock"), SystemErrors.isADirectory());
    Files.delete(later.resolve("lock"));
    RunLock.acquire(later).close();
  }

  @Test
  void queriesFromManyThreadsDoNotHoldTheLock() throws Exception {
    RunLock.acquire(directory).close();
    Callable<Long> asker = () -> answers(2000);
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      for (Future<Long> held : threads.invokeAll(List.of(asker, asker))) {
        assertThat(held.get()).isZero();
      }
    }
  }

  /** How often it was held. */
  private long answers(int count) {
    return IntStream.range(0, count).filter(i -> RunLock.isHeld(directory)).count();
  }

  @Test
  void queriesDoNotBlockTheLock() throws Exception {
    RunLock.acquire(directory).close();
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService asker = Executors.newSingleThreadExecutor()) {
      Future<?> asking =
          asker.submit(
              () -> {
                while (!done.get()) {
                  RunLock.isHeld(directory);
                }
              });
      try {
        for (int i = 0; i < 300; i++) {
          try (RunLock _ = RunLock.acquire(directory)) {
            assertThat(RunLock.isHeld(directory)).isTrue();
          }
        }
      } finally {
        done.set(true);
      }
      asking.get();
    }
  }

  @Test
  void withoutALockNoTrainingStarts() throws IOException {
    try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      socket.bind(UnixDomainSocketAddress.of(directory.resolve("lock"))); // cannot be opened
      assertThat(RunLock.isHeld(directory)).isFalse();
    }
  }

  private String rival() throws IOException {
    try (ChildJvm child = ChildJvm.start(Rival.class, directory.toString())) {
      return child.readLine();
    }
  }

  private static String refusal(Path path) {
    return "another process is training in " + path;
  }
}
