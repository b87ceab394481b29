package dev.culebra.bench.gpu;

import dev.culebra.bench.Surroundings;
import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Compares the bindings: {@link LaunchBench} with JMH. */
@Command(
    name = "launches",
    description = "Times calls into CUDA through each binding with JMH.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class LaunchBenchmarks implements Callable<Integer> {
  private static final int WARMUPS = 3;
  private static final int ITERATIONS = 5;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Writes the table there.")
  private Path markdown;

  @Override
  public Integer call() throws RunnerException, IOException {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include(LaunchBench.class.getSimpleName())
                    .forks(1)
                    .warmupIterations(WARMUPS)
                    .measurementIterations(ITERATIONS)
                    .warmupTime(TimeValue.seconds(1))
                    .measurementTime(TimeValue.seconds(1))
                    .build())
            .run();
    StringBuilder table = new StringBuilder(Surroundings.describe(1));
    table.append("\n| call | binding | ns |\n| --- | --- | ---: |\n");
    for (RunResult result : results) {
      String benchmark = result.getParams().getBenchmark();
      table.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.0f ± %.0f |%n",
              benchmark.substring(benchmark.lastIndexOf('.') + 1),
              result.getParams().getParam("binding").toLowerCase(Locale.ROOT),
              result.getPrimaryResult().getScore(),
              result.getPrimaryResult().getScoreError()));
    }
    System.out.print(table);
    if (markdown != null) {
      AtomicFile.write(markdown, table.toString());
    }
    return 0;
  }
}
