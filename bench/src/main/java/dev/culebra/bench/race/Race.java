package dev.culebra.bench.race;

import dev.culebra.bench.Commands;
import dev.culebra.bench.Surroundings;
import dev.culebra.bench.profile.MachineRates;
import dev.culebra.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Whole training steps of the engines in alternation, A B A B …, since the machine's speed may
 * vary.
 */
@Command(
    name = "bench/race",
    description = "Races whole training steps of Culebra against PyTorch's CPU engine.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class Race implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--rounds",
      defaultValue = "12",
      paramLabel = "N",
      description = "Turns per engine (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--config",
      split = ",",
      defaultValue = "A,B,C",
      description = "Courses: A nano, B baby, C gpt2 124M (default: ${DEFAULT-VALUE}).")
  private List<Course> courses;

  @Option(names = "--threads", paramLabel = "N", description = "Threads per engine (default: all).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--openblas",
      description = "Also races Culebra with its matrix products from OpenBLAS.")
  private boolean openBlas;

  @Option(
      names = "--profile",
      description =
          "Instead of a race, lists the share and the rate of each operation of Culebra's steps.")
  private boolean profile;

  @Option(names = "--json", paramLabel = "FILE", description = "Writes the result to FILE.")
  private Path json;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Writes the tables to FILE.")
  private Path markdown;

  @Override
  public Integer call() throws IOException {
    requirePositive("--rounds", rounds);
    requirePositive("--threads", threads);
    StringBuilder text = new StringBuilder();
    say(text, Surroundings.describe(threads));
    List<CourseResult> results = new ArrayList<>();
    for (Course course : courses) {
      if (profile) {
        say(text, StepProfile.of(course, threads, rounds).toMarkdown());
      } else {
        CourseResult result = race(course);
        results.add(result);
        say(text, result.toMarkdown());
      }
    }
    if (markdown != null) {
      AtomicFile.write(markdown, text.toString());
    }
    if (json != null) {
      AtomicFile.write(json, CourseResult.toJson(results, threads));
    }
    return 0;
  }

  private void requirePositive(String option, int value) {
    if (value < 1) {
      throw new ParameterException(
          spec.commandLine(), option + " must be at least 1, not " + value);
    }
  }

  private CourseResult race(Course course) throws IOException {
    List<Runner> runners = new ArrayList<>();
    List<MachineRates> rates = new ArrayList<>();
    try {
      for (Engine engine : engines()) {
        Runner runner = new Runner(engine, course, threads);
        runners.add(runner);
        runner.warmUp(course.warmupSteps());
      }
      for (int round = 0; round < rounds; round++) {
        rates.add(MachineRates.measure(threads));
        for (Runner runner : runners) {
          runner.lap(course.lapSteps());
        }
      }
      return new CourseResult(
          course, MachineRates.median(rates), runners.stream().map(Runner::outcome).toList());
    } finally {
      for (Runner runner : runners) {
        runner.close();
      }
    }
  }

  private List<Engine> engines() {
    return openBlas
        ? List.of(Engine.values())
        : List.of(Engine.CULEBRA, Engine.PYTORCH, Engine.PYTORCH_TUNED);
  }

  private static void say(StringBuilder text, String part) {
    System.out.println(part);
    text.append(part).append('\n');
  }

  public static void main(String[] args) {
    Commands.run(new Race(), args);
  }
}
