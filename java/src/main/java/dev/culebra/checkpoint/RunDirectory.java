package dev.culebra.checkpoint;

import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The directory of a run and the names of its files. Only one process at a time may train in it,
 * which holds its lock; reading needs none.
 */
public final class RunDirectory implements AutoCloseable {
  private static final int MAX_NUMBER = 100_000;

  private final Path path;
  private final RunLock lock;

  private RunDirectory(Path path, RunLock lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Makes a directory for a new run and locks it.
   *
   * @throws RunExistsException if it holds a run already
   * @throws IOException if it cannot be made; one line
   */
  public static RunDirectory create(Path path) throws IOException {
    makeDirectories(path);
    makeDirectories(path.resolve("checkpoint"));
    RunDirectory run = new RunDirectory(path, RunLock.acquire(path));
    if (Files.exists(run.config()) || Files.exists(run.last()) || Files.exists(run.best())) {
      run.close();
      throw new RunExistsException(path);
    }
    run.removeLeftovers();
    return run;
  }

  /**
   * Makes and locks the first of {@code parent/name-1}, {@code parent/name-2} … that does not
   * exist.
   *
   * @throws IOException if none can be made
   */
  public static RunDirectory createFirstFree(Path parent, String name) throws IOException {
    makeDirectories(parent);
    for (int number = 1; number <= MAX_NUMBER; number++) {
      Path path = parent.resolve(name + "-" + number);
      try {
        Files.createDirectory(path);
      } catch (FileAlreadyExistsException e) {
        continue;
      } catch (IOException e) {
        throw cannotMake(path, FileErrors.reason(e), e);
      }
      return create(path);
    }
    throw new IOException("%s holds %d runs called %s".formatted(parent, MAX_NUMBER, name));
  }

  private static void makeDirectories(Path path) throws IOException {
    try {
      Files.createDirectories(path);
    } catch (FileAlreadyExistsException e) {
      throw cannotMake(path, e.getFile() + " is a file", e);
    } catch (IOException e) {
      throw cannotMake(path, FileErrors.reason(e), e);
    }
  }

  private static IOException cannotMake(Path path, String reason, IOException cause) {
    return new IOException("cannot make directory " + path + ": " + reason, cause);
  }

  /** Whether {@code path} holds a run. */
  public static boolean isRun(Path path) {
    return Files.exists(new RunDirectory(path, null).config());
  }

  /**
   * Opens a run for reading.
   *
   * @throws CheckpointException if there is none
   */
  public static RunDirectory open(Path path) throws CheckpointException {
    RunDirectory run = new RunDirectory(path, null);
    if (!Files.isDirectory(path)) {
      throw new CheckpointException("no such run directory: " + path);
    }
    if (!Files.exists(run.config())) {
      throw new CheckpointException(path + " is not a run directory: it has no config.json");
    }
    return run;
  }

  /**
   * Opens a run to train on, and locks it; removes what a killed process left half written.
   *
   * @throws IOException if there is none, or another process trains in it
   */
  public static RunDirectory openLocked(Path path) throws IOException {
    open(path);
    RunDirectory run = new RunDirectory(path, RunLock.acquire(path));
    run.removeLeftovers();
    return run;
  }

  /** Who holds the lock is the only one to write these: what is half written is a killed run's. */
  private void removeLeftovers() {
    Stream.of(
            config(),
            tokenizer(),
            metrics(),
            samples(),
            sample(),
            data(),
            machine(),
            last(),
            best())
        .forEach(AtomicFile::removeLeftovers);
  }

  /**
   * Whether a process trains in it now, this one or another; false where that cannot be found out.
   */
  public boolean isTraining() {
    return RunLock.isHeld(path);
  }

  /** The directory itself. */
  public Path path() {
    return path;
  }

  /** What the run was told. */
  public Path config() {
    return path.resolve("config.json");
  }

  /** How its text became tokens. */
  public Path tokenizer() {
    return path.resolve("tokenizer.json");
  }

  /** One JSON object a logged step. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** Where it goes on. */
  public Path last() {
    return path.resolve("checkpoint").resolve("last.safetensors");
  }

  /** The weights with the lowest validation loss. */
  public Path best() {
    return path.resolve("checkpoint").resolve("best.safetensors");
  }

  /** What the model wrote on its way; one JSON object a sample. */
  public Path samples() {
    return path.resolve("samples.jsonl");
  }

  /** Where it was trained. */
  public Path machine() {
    return path.resolve("machine.json");
  }

  /** What a token of its data is worth. */
  public Path data() {
    return path.resolve("data.json");
  }

  /** The run that it began with, if it began with one. */
  public Path parent() {
    return path.resolve("parent.json");
  }

  /** All of this as a page for people. */
  public Path report() {
    return path.resolve("report.html");
  }

  /** What the model wrote at the end. */
  public Path sample() {
    return path.resolve("sample.txt");
  }

  /** Releases the lock, if it is held. Closing twice is harmless. */
  @Override
  public void close() throws IOException {
    if (lock != null) {
      lock.close();
    }
  }
}
