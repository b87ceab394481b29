package dev.culebra.bench.cpu;

import dev.culebra.backend.OpCall;
import dev.culebra.bench.Surroundings;
import dev.culebra.bench.profile.Clock;
import dev.culebra.bench.profile.OpProfile;
import dev.culebra.bench.race.Course;
import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.Statistics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs the benchmarks of single operations and prints the rate that each achieves. */
@Command(
    name = "cpu",
    description = "Times the single operations of a training step on the CPU with JMH.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class CpuBenchmarks implements Callable<Integer> {
  private static final String LOG =
      Path.of(System.getProperty("culebra.root", "."), "bench", "target", "jmh.log").toString();

  @Parameters(
      arity = "0..1",
      paramLabel = "PATTERN",
      defaultValue = "",
      description = "Only benchmarks whose name matches: Linear, Attention.*backward …")
  private String pattern;

  @Option(
      names = "--config",
      split = ",",
      defaultValue = "A,B,C",
      description = "Shapes: A nano, B baby, C gpt2 (default: ${DEFAULT-VALUE}).")
  private Course[] courses;

  @Option(
      names = "--seconds",
      defaultValue = "1",
      paramLabel = "N",
      description = "Length of each of 3 + 4 iterations (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Writes the table there.")
  private Path markdown;

  @Option(
      names = "--verbose",
      description = "Prints JMH's output; otherwise it goes to bench/target/jmh.log.")
  private boolean verbose;

  @Override
  public Integer call() throws IOException, RunnerException {
    String[] names = new String[courses.length];
    for (int i = 0; i < names.length; i++) {
      names[i] = courses[i].name();
    }
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(CpuBenchmarks.class.getPackageName() + "\\..*" + pattern)
            .param("course", names)
            .warmupTime(TimeValue.seconds(seconds))
            .measurementTime(TimeValue.seconds(seconds))
            .shouldFailOnError(true)
            .jvmArgsAppend("--sun-misc-unsafe-memory-access=allow");
    if (!verbose) {
      options.verbosity(VerboseMode.SILENT).output(LOG);
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    String table = table(results);
    System.out.print(table);
    if (markdown != null) {
      AtomicFile.write(markdown, table);
    }
    return 0;
  }

  private static String table(Collection<RunResult> results) {
    StringBuilder text = new StringBuilder();
    text.append(Surroundings.describe(Runtime.getRuntime().availableProcessors()));
    text.append("\n| operation | of | shapes of | µs, median | best | 95th percentile | rate |\n");
    text.append("|---|---|---|---:|---:|---:|---:|\n");
    results.forEach(each -> text.append(row(each)));
    return text.toString();
  }

  private static String row(RunResult result) {
    BenchmarkParams params = result.getParams();
    String[] path = params.getBenchmark().split("\\.");
    String bench = path[path.length - 2];
    String method = path[path.length - 1];
    TreeMap<String, String> others = new TreeMap<>();
    params.getParamsKeys().forEach(key -> others.put(key, params.getParam(key)));
    Course course = Course.valueOf(others.remove("course"));
    Statistics times = result.getPrimaryResult().getStatistics();
    double median = times.getPercentile(50);
    return String.format(
        Locale.ROOT,
        "| %s %s | %s | %s | %,.1f | %,.1f | %,.1f | %s |%n",
        bench.replace("Bench", ""),
        method,
        String.join(" ", others.values()),
        course,
        median,
        times.getMin(),
        times.getPercentile(95),
        rate(call(params, bench, method), median));
  }

  private static String rate(OpCall call, double micros) {
    return call.flops() > 0
        ? "%.0f GFLOP/s".formatted(call.flops() / micros / 1e3)
        : "%.1f GB/s".formatted(call.bytes() / micros / 1e3);
  }

  /** The operation that a benchmark calls, found by one run of a benchmark set up as by JMH. */
  private static OpCall call(BenchmarkParams params, String bench, String method) {
    try {
      Class<?> type = Class.forName(CpuBenchmarks.class.getPackageName() + "." + bench);
      OpBench instance = (OpBench) type.getDeclaredConstructor().newInstance();
      for (String key : params.getParamsKeys()) {
        var field = type.getField(key);
        field.set(instance, enumValue(field.getType(), params.getParam(key)));
      }
      instance.open();
      try {
        OpProfile profile = new OpProfile(Clock.WALL);
        instance.ops().listen(profile);
        type.getMethod(method).invoke(instance);
        return profile.entries().getFirst().call();
      } finally {
        instance.close();
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object enumValue(Class<?> type, String name) {
    for (Object constant : type.getEnumConstants()) {
      if (((Enum<?>) constant).name().equals(name)) {
        return constant;
      }
    }
    throw new IllegalArgumentException(name + " is not a " + type.getSimpleName());
  }
}
