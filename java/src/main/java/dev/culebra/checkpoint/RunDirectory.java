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
 * and holds its lock; reading needs no lock.
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
   * Creates a directory for a new run and locks it.
   *
   * @throws RunExistsException if it already has a run
   * @throws IOException with one line, if it cannot be created
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
   * Creates and locks the first of {@code parent/name-1}, {@code parent/name-2} … that does not
   * exist.
   *
   * @throws IOException if none can be created
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
    throw new IOException("%s already has %d runs named %s".formatted(parent, MAX_NUMBER, name));
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
    return new IOException("cannot create directory " + path + ": " + reason, cause);
  }

  /** Whether {@code path} has a run. */
  public static boolean isRun(Path path) {
    return Files.exists(new RunDirectory(path, null).config());
  }

  /**
   * Opens a run read-only.
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
   * Opens a run to continue training, and locks it; removes half-written files of a killed process.
   *
   * @throws IOException if there is none, or another process is training in it
   */
  public static RunDirectory openLocked(Path path) throws IOException {
    open(path);
    RunDirectory run = new RunDirectory(path, RunLock.acquire(path));
    run.removeLeftovers();
    return run;
  }

  /** Only the holder of the lock writes these files, so half-written ones are from a killed run. */
  private void removeLeftovers() {
    Stream.of(
            config(),
            tokenizer(),
            tokenizerConfig(),
            generationConfig(),
            parent(),
            metrics(),
            samples(),
            sample(),
            data(),
            machine(),
            last(),
            best())
        .forEach(AtomicFile::removeLeftovers);
  }

  /** Whether this or another process is training in it now; false if unknown. */
  public boolean isTraining() {
    return RunLock.isHeld(path);
  }

  /** The directory itself. */
  public Path path() {
    return path;
  }

  /** The run's configuration. */
  public Path config() {
    return path.resolve("config.json");
  }

  /** The run's tokenizer. */
  public Path tokenizer() {
    return path.resolve("tokenizer.json");
  }

  /** How texts begin; exists only if the model that the run was finetuned from says so. */
  public Path tokenizerConfig() {
    return path.resolve("tokenizer_config.json");
  }

  /** How texts end; exists only if the model that the run was finetuned from says so. */
  public Path generationConfig() {
    return path.resolve("generation_config.json");
  }

  /** One JSON object per logged step. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** The checkpoint to resume from. */
  public Path last() {
    return path.resolve("checkpoint").resolve("last.safetensors");
  }

  /** The weights with the lowest validation loss. */
  public Path best() {
    return path.resolve("checkpoint").resolve("best.safetensors");
  }

  /** What the model wrote during training; one JSON object per sample. */
  public Path samples() {
    return path.resolve("samples.jsonl");
  }

  /** The machine it was trained on. */
  public Path machine() {
    return path.resolve("machine.json");
  }

  /** The bytes per token of its data. */
  public Path data() {
    return path.resolve("data.json");
  }

  /** The run that it was finetuned from, if any. */
  public Path parent() {
    return path.resolve("parent.json");
  }

  /** The report, as a page. */
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
