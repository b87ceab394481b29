package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  @TempDir Path folder;

  @Test
  void aNewRunHasAPathForEachFile() throws IOException {
    Path path = folder.resolve("runs/first");
    try (RunDirectory run = RunDirectory.create(path)) {
      assertThat(run.path()).isEqualTo(path);
      assertThat(run.config()).isEqualTo(path.resolve("config.json"));
      assertThat(run.tokenizer()).isEqualTo(path.resolve("tokenizer.json"));
      assertThat(run.metrics()).isEqualTo(path.resolve("metrics.jsonl"));
      assertThat(run.last()).isEqualTo(path.resolve("checkpoint/last.safetensors"));
      assertThat(run.best()).isEqualTo(path.resolve("checkpoint/best.safetensors"));
      assertThat(run.sample()).isEqualTo(path.resolve("sample.txt"));
      assertThat(run.samples()).isEqualTo(path.resolve("samples.jsonl"));
      assertThat(run.machine()).isEqualTo(path.resolve("machine.json"));
      assertThat(run.report()).isEqualTo(path.resolve("report.html"));
      assertThat(run.last().getParent()).isEmptyDirectory();
    }
  }

  @Test
  void aRunCannotBeCreatedTwice() throws IOException {
    Path path = run("run");
    assertThatThrownBy(() -> RunDirectory.create(path))
        .isInstanceOf(IOException.class)
        .hasMessage("%s already has a run", path);
    // The failed attempt has not left the lock behind.
    RunDirectory.openLocked(path).close();
  }

  @Test
  void resumingRemovesHalfWrittenFilesOfAKilledRun() throws IOException {
    Path path = run("run");
    Path checkpoint = Files.createDirectories(path.resolve("checkpoint"));
    Path half = Files.writeString(checkpoint.resolve(".last.safetensors.0-1-2.tmp"), "half");
    Path config = Files.writeString(path.resolve(".config.json.0-1-2.tmp"), "half");
    // A report may be written without the lock.
    Path report = Files.writeString(path.resolve(".report.html.0-1-2.tmp"), "half");
    RunDirectory.open(path);
    assertThat(half).exists();
    try (RunDirectory run = RunDirectory.openLocked(path)) {
      assertThat(half).doesNotExist();
      assertThat(config).doesNotExist();
      assertThat(report).exists();
      Files.writeString(half, "of this run");
      assertThatThrownBy(() -> RunDirectory.openLocked(path)).isInstanceOf(IOException.class);
      assertThat(half).exists();
    }
  }

  @Test
  void aDirectoryWithoutARunCanBeUsed() throws IOException {
    Path path = folder.resolve("run");
    RunDirectory.create(path).close();
    RunDirectory.create(path).close();
  }

  @Test
  void aFileInPlaceOfTheDirectoryIsReportedInOneLine() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> RunDirectory.create(file))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot create directory %s: %s is a file", file, file);
    Path below = file.resolve("run");
    assertThatThrownBy(() -> RunDirectory.create(below))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot create directory %s: %s", below, SystemErrors.notADirectory());
    assertThatThrownBy(() -> RunDirectory.createFirstFree(file, "nano"))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot create directory %s: %s is a file", file, file);
    assertThatThrownBy(() -> RunDirectory.open(file))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage("no such run directory: %s", file);
  }

  @Test
  void aLockThatCannotBeOpenedIsReportedInOneLine() throws IOException {
    Path path = run("run");
    Path lock = path.resolve("lock");
    Files.delete(lock);
    Files.createDirectory(lock);
    assertThatThrownBy(() -> RunDirectory.openLocked(path))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot lock %s: %s", lock, SystemErrors.isADirectory());
  }

  @Test
  void aDirectoryWithoutARunIsReportedInOneLine() throws IOException {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> RunDirectory.open(missing))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage("no such run directory: %s", missing);
    assertThatThrownBy(() -> RunDirectory.openLocked(missing))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage("no such run directory: %s", missing);
    assertThatThrownBy(() -> RunDirectory.openLocked(folder))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage("%s is not a run directory: it has no config.json", folder);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void readingNeedsNoLock() throws IOException {
    Path path = run("run");
    try (RunDirectory training = RunDirectory.openLocked(path);
        RunDirectory reading = RunDirectory.open(path)) {
      assertThat(reading.config()).isEqualTo(training.config());
    }
  }

  @Test
  void onlyOneRunTrainsInADirectory() throws IOException {
    Path path = run("run");
    RunDirectory training = RunDirectory.openLocked(path);
    assertBusy(path);
    assertThat(RunDirectory.open(path).isTraining()).isTrue();
    training.close();
    training.close();
    assertThat(RunDirectory.open(path).isTraining()).isFalse();
    RunDirectory.openLocked(path).close();
  }

  @Test
  void onlyOneProcessHoldsTheLockUntilItIsKilled() throws Exception {
    Path path = run("run");
    try (ChildJvm child = ChildJvm.start(HoldsTheLock.class, path.toString())) {
      assertThat(child.readLine()).isEqualTo("locked");
      assertBusy(path);
      assertThat(RunDirectory.open(path).isTraining()).isTrue();
      child.kill();
      assertThat(RunDirectory.open(path).isTraining()).isFalse();
      RunDirectory.openLocked(path).close();
    }
  }

  /** The other process. */
  static final class HoldsTheLock {
    public static void main(String[] args) throws IOException {
      try (RunDirectory _ = RunDirectory.openLocked(Path.of(args[0]))) {
        System.out.println("locked");
        System.in.read();
      }
    }
  }

  private static void assertBusy(Path path) {
    assertThatThrownBy(() -> RunDirectory.openLocked(path))
        .isInstanceOf(IOException.class)
        .hasMessage("another process is training in %s", path);
    assertThatThrownBy(() -> RunDirectory.create(path))
        .isInstanceOf(IOException.class)
        .hasMessage("another process is training in %s", path);
  }

  @Test
  void numbersCountUp() throws IOException {
    Path parent = folder.resolve("runs");
    Files.createDirectories(parent.resolve("nano-2"));
    Files.createFile(Files.createDirectories(parent).resolve("nano-4"));
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      try (RunDirectory run = RunDirectory.createFirstFree(parent, "nano")) {
        names.add(run.path().getFileName().toString());
      }
    }
    assertThat(names).containsExactly("nano-1", "nano-3", "nano-5");
  }

  @Test
  void concurrentRunsGetDifferentNumbers() throws Exception {
    int rounds = 20;
    Set<Path> paths = new HashSet<>();
    for (RunDirectory run : together(rounds, () -> RunDirectory.createFirstFree(folder, "nano"))) {
      paths.add(run.path());
      run.close();
    }
    assertThat(paths).hasSize(2 * rounds).contains(folder.resolve("nano-" + 2 * rounds));
  }

  @Test
  void oneOfTwoConcurrentRunsInOneDirectoryWins() throws Exception {
    int rounds = 20;
    Path path = folder.resolve("run");
    CyclicBarrier tried = new CyclicBarrier(2);
    List<Boolean> won =
        together(
            rounds,
            () -> {
              try (RunDirectory _ = RunDirectory.create(path)) {
                tried.await();
                return true;
              } catch (IOException e) {
                assertThat(e).hasMessage("another process is training in %s", path);
                tried.await();
                return false;
              }
            });
    assertThat(won.stream().filter(winner -> winner)).hasSize(rounds);
  }

  /** The results of two threads that repeatedly do the same at the same time. */
  private static <R> List<R> together(int rounds, Callable<R> task) throws Exception {
    CyclicBarrier start = new CyclicBarrier(2);
    List<Future<R>> futures = new ArrayList<>();
    List<R> results = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      for (int i = 0; i < 2 * rounds; i++) {
        futures.add(
            threads.submit(
                () -> {
                  start.await();
                  return task.call();
                }));
      }
      for (Future<R> future : futures) {
        results.add(future.get());
      }
    }
    return results;
  }

  private Path run(String name) throws IOException {
    try (RunDirectory run = RunDirectory.create(folder.resolve(name))) {
      Files.writeString(run.config(), "{}");
      return run.path();
    }
  }
}
