package dev.culebra.examples.cli;

/** Entry point of {@code ./culebra}. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    StandardError.install();
    StandardOutput output = StandardOutput.install();
    System.exit(output.finish(Culebra.run(args)));
  }
}
