package dev.culebra.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;

/** What every figure must state: machine, versions, date, commit. */
public final class Surroundings {
  private Surroundings() {}

  /** One paragraph of text. */
  public static String describe(int threads) {
    return "%s; %s, %d processors, %d threads; Java %s; Linux %s; commit %s%n"
        .formatted(
            date(),
            processor(),
            Runtime.getRuntime().availableProcessors(),
            threads,
            System.getProperty("java.version"),
            System.getProperty("os.version"),
            commit());
  }

  /** Today. */
  public static String date() {
    return LocalDate.now().toString();
  }

  /** The CPU's model name. */
  public static String processor() {
    try {
      return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    } catch (IOException e) {
      return System.getProperty("os.arch");
    }
  }

  /** The commit of the sources, marked if files differ from it. */
  public static String commit() {
    List<String> command =
        List.of(
            "git",
            "-C",
            System.getProperty("culebra.root", "."),
            "describe",
            "--always",
            "--dirty");
    try {
      Process process = new ProcessBuilder(command).start();
      try (BufferedReader out = process.inputReader()) {
        String line = out.readLine();
        return line == null ? "unknown" : line;
      }
    } catch (IOException e) {
      return "unknown";
    }
  }
}
