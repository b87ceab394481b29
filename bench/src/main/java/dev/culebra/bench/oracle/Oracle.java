package dev.culebra.bench.oracle;

import dev.culebra.bench.Commands;
import dev.culebra.bench.Surroundings;
import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Compares logits, loss, all gradients and ten AdamW steps with PyTorch's. */
@Command(
    name = "bench/oracle",
    description = "Compares Culebra's numbers with PyTorch's; exits 1 if they differ too much.",
    mixinStandardHelpOptions = true)
public final class Oracle implements Callable<Integer> {
  @Option(names = "--markdown", paramLabel = "FILE", description = "Also writes the table there.")
  private Path markdown;

  private final StringBuilder report = new StringBuilder();
  private int failures;

  @Override
  public Integer call() throws IOException {
    line(Surroundings.describe(Runtime.getRuntime().availableProcessors()));
    line("| limit of | relative error | reason |\n| --- | --- | --- |");
    for (Tolerance tolerance : Tolerance.values()) {
      line("| %s | %.0e | %s |", tolerance.label(), tolerance.limit(), tolerance.reason());
    }
    List<Finding> all = new ArrayList<>();
    for (OracleCase where : OracleCase.all()) {
      all.addAll(compare(where));
    }
    line("\n%d comparisons, %d above their limit.", all.size(), failures);
    if (markdown != null) {
      AtomicFile.write(markdown, report.toString());
    }
    return failures == 0 ? 0 : 1;
  }

  private List<Finding> compare(OracleCase where) throws IOException {
    line(
        "\n**%s**: B = %d, T = %d, %s\n", where.name(), where.batch(), where.time(), where.model());
    line("| compared | limit | relative error | |\n| --- | --- | --- | --- |");
    try (Comparison comparison = new Comparison(where)) {
      List<Finding> findings = comparison.run();
      findings.forEach(this::print);
      return findings;
    }
  }

  private void print(Finding finding) {
    failures += finding.passes() ? 0 : 1;
    line(
        "| %s | %.0e | %.1e | %s |",
        finding.subject(),
        finding.tolerance().limit(),
        finding.error(),
        finding.passes() ? "ok" : "**too far**");
  }

  private void line(String format, Object... arguments) {
    String line = format.formatted(arguments);
    System.out.println(line);
    report.append(line).append('\n');
  }

  public static void main(String[] args) {
    Commands.run(new Oracle(), args);
  }
}
