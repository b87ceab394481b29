package dev.culebra.examples.cli;

import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.examples.report.ReportPage;
import dev.culebra.examples.report.RunRecord;
import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culebra report}. */
@Command(
    name = "report",
    header = "Write a page with the curves and samples of runs, to view and compare them.",
    description = {
      "The page is self-contained: no network, no server. A run may still be in progress.",
      "'culebra train' writes the page of its run automatically, as report.html in its directory."
    },
    footer = {"", "Example: culebra report runs/dickens-1 runs/dickens-2 --out comparison.html"})
final class ReportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private CommonOptions common;

  @Parameters(arity = "1..*", paramLabel = "RUN", description = "Run directories.")
  private List<Path> directories;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description =
          "Where to write the page. Default: report.html in the run's directory; for several runs,"
              + " in the current one")
  private Path out;

  @Option(
      names = "--overwrite",
      description = "Replace the file at --out even if it is not a report.")
  private boolean overwrite;

  @Override
  public Integer call() throws IOException {
    List<RunRecord> runs = new ArrayList<>();
    Set<Path> seen = new HashSet<>();
    for (Path directory : directories) {
      runs.add(RunRecord.read(directory, System.err::println));
      if (!seen.add(directory.toRealPath())) {
        throw new ParameterException(
            spec.commandLine(), "%s is given more than once".formatted(directory));
      }
    }
    Path file = file();
    if (!overwrite && Files.isRegularFile(file) && !ReportPage.isReport(file)) {
      throw new CommandException(
          "%s already exists and is not a report: --overwrite replaces it".formatted(file));
    }
    AtomicFile.write(file, new ReportPage().of(named(runs)));
    System.out.println(file);
    return 0;
  }

  private Path file() throws IOException {
    if (out != null) {
      return out;
    }
    Path own = RunDirectory.open(directories.getFirst()).report();
    return directories.size() == 1 ? own : own.getFileName();
  }

  /** Runs with the same name are identified by their paths. */
  private List<RunRecord> named(List<RunRecord> runs) {
    Set<String> names = new HashSet<>();
    runs.forEach(run -> names.add(run.name()));
    if (names.size() == runs.size()) {
      return runs;
    }
    List<RunRecord> named = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      named.add(runs.get(i).called(directories.get(i).toString()));
    }
    return named;
  }
}
