package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code culebra} in its own JVM: for behaviour that only a process can show, such as its death.
 */
final class Program implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 180;
  private static final int POLL_MILLIS = 5;

  /** The JVM's own line, which the launcher hides. */
  static final String INCUBATOR_WARNING =
      "WARNING: Using incubator modules: jdk.incubator.vector\n";

  private final Process process;
  private final ByteArrayOutputStream outSoFar = new ByteArrayOutputStream();
  private final ByteArrayOutputStream errSoFar = new ByteArrayOutputStream();
  private final CompletableFuture<String> out;
  private final CompletableFuture<String> err;

  private Program(Process process) {
    this.process = process;
    // Separate threads: blocking reads would occupy the few threads of the common pool.
    Executor readers = task -> Thread.ofPlatform().daemon().start(task);
    this.out =
        CompletableFuture.supplyAsync(() -> readAll(process.getInputStream(), outSoFar), readers);
    this.err =
        CompletableFuture.supplyAsync(() -> readAll(process.getErrorStream(), errSoFar), readers);
  }

  /** Starts it in {@code directory}. */
  static Program start(Path directory, String... args) throws IOException {
    return start(directory, commandLine(args));
  }

  /** Starts a command, which may be {@link #commandLine} with a prefix. */
  static Program start(Path directory, List<String> command) throws IOException {
    return start(directory, Map.of(), command);
  }

  /** The same with additional environment variables. */
  static Program start(Path directory, Map<String, String> environment, List<String> command)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().putAll(environment);
    return new Program(builder.start());
  }

  /** Runs it in {@code directory} to its end. */
  static Outcome run(Path directory, String... args) throws Exception {
    try (Program program = start(directory, args)) {
      return program.finish();
    }
  }

  /** The command that starts it with this JVM's class path and flags. */
  static List<String> commandLine(String... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-Xmx512m",
            "-Dstdout.encoding=UTF-8",
            "-Dstderr.encoding=UTF-8",
            "-Dsun.jnu.encoding=UTF-8",
            "-cp",
            classPath(),
            Main.class.getName()));
    command.addAll(List.of(args));
    return command;
  }

  /** With absolute paths, since the program runs elsewhere. */
  private static String classPath() {
    return List.of(System.getProperty("java.class.path").split(File.pathSeparator)).stream()
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static String readAll(InputStream stream, ByteArrayOutputStream sink) {
    try (stream) {
      stream.transferTo(sink);
      return sink.toString(StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(stream broke: " + e + ")";
    }
  }

  /** Waits until {@code condition} holds; fails if the program ends before that. */
  Program await(BooleanSupplier condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      if (!process.isAlive()) {
        throw new AssertionError("ended too early: " + finish());
      }
      if (System.nanoTime() > deadline) {
        throw new TimeoutException("nothing happened for " + PATIENCE_SECONDS + " s");
      }
      Thread.sleep(POLL_MILLIS);
    }
    return this;
  }

  /** Waits until standard error matches {@code pattern}; returns its first group. */
  String awaitErr(Pattern pattern) throws Exception {
    await(() -> pattern.matcher(errSoFar.toString(StandardCharsets.UTF_8)).find());
    Matcher matcher = pattern.matcher(errSoFar.toString(StandardCharsets.UTF_8));
    assertThat(matcher.find()).isTrue();
    return matcher.group(1);
  }

  /** Its standard output so far. */
  String outSoFar() {
    return outSoFar.toString(StandardCharsets.UTF_8);
  }

  /** Writes to its standard input. */
  void type(String text) throws IOException {
    OutputStream in = process.getOutputStream();
    in.write(text.getBytes(StandardCharsets.UTF_8));
    in.flush();
  }

  /** Its child processes and their descendants. */
  Stream<ProcessHandle> descendants() {
    return process.descendants();
  }

  /** Sends a signal ({@code KILL}, {@code INT} or {@code TERM}) and waits for the end. */
  Outcome signal(String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    return finish();
  }

  /** Waits for its end. */
  Outcome finish() throws Exception {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new TimeoutException("still running: " + out.get() + err.get());
    }
    return new Outcome(process.exitValue(), out.get(), err.get().replace(INCUBATOR_WARNING, ""));
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
