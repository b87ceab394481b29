package dev.culebra.bench.cpu;

import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.Median;
import dev.culebra.bench.Surroundings;
import dev.culebra.bench.profile.MachineRates;
import dev.culebra.generate.Continuation;
import dev.culebra.generate.Generation;
import dev.culebra.generate.Generator;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Preset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How fast a CPU writes text, beside how fast it reads memory: a token reads every weight once. All
 * kinds of weights take turns with the measurement of the memory, so that other work on the machine
 * hits all of them.
 */
@Command(
    name = "writing",
    description = "Times writing text on the CPU, beside the rate at which it reads memory.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class WritingBench implements Callable<Integer> {
  private static final long SEED = 1337;
  private static final SamplingSpec SPEC = new SamplingSpec(0.8f, 0, 1);

  @Option(
      names = "--preset",
      defaultValue = "gpt2",
      description = "The model, of random weights (default: ${DEFAULT-VALUE}).")
  private Preset preset;

  @Option(
      names = "--vocab",
      defaultValue = "50257",
      description = "Number of tokens (default: ${DEFAULT-VALUE}).")
  private int vocab;

  @Option(
      names = "--prompt",
      defaultValue = "128",
      description = "Tokens of the prompt (default: ${DEFAULT-VALUE}).")
  private int promptLength;

  @Option(
      names = "--tokens",
      defaultValue = "30",
      description = "Tokens drawn in a turn (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--together",
      split = ",",
      defaultValue = "1,8",
      description = "Texts written side by side (default: ${DEFAULT-VALUE}).")
  private List<Integer> together;

  @Option(
      names = "--rounds",
      defaultValue = "6",
      description = "Turns (default: ${DEFAULT-VALUE}).")
  private int rounds;

  /** A model, and how long its steps and its prompts took. */
  private static final class Contestant {
    private final String name;
    private final long bytes;
    private final Generator generator;
    private final List<List<Double>> steps = new ArrayList<>();
    private final List<Double> prompts = new ArrayList<>();

    Contestant(String name, long bytes, Generator generator) {
      this.name = name;
      this.bytes = bytes;
      this.generator = generator;
    }
  }

  @Override
  public Integer call() {
    GptConfig config = preset.config(vocab);
    int threads = Runtime.getRuntime().availableProcessors();
    System.out.print(Surroundings.describe(threads));
    double read = 0;
    try (Owned owned = new Owned()) {
      List<Contestant> contestants = contestants(config, owned);
      for (int round = 0; round < rounds; round++) {
        read = Math.max(read, MachineRates.read(threads));
        for (Contestant each : contestants) {
          turn(each, round > 0);
        }
      }
      System.out.printf("reading memory: %.1f GB/s, the best of %d%n%n", read, rounds);
      print(contestants, read);
    }
    return 0;
  }

  private List<Contestant> contestants(GptConfig config, Owned owned) {
    Backend backend = owned.add(new CpuBackend());
    Gpt exact = owned.add(new Gpt(config, backend, SEED));
    List<Contestant> contestants = new ArrayList<>();
    contestants.add(contestant("fp32", exact, Optional.empty(), owned));
    for (CompactWeight.Format format : CompactWeight.Format.values()) {
      Gpt model = owned.add(Gpt.toBeLoaded(config, backend, format));
      for (Parameter from : exact.parameters().list()) {
        model.parameters().list().stream()
            .filter(to -> to.name().equals(from.name()))
            .forEach(to -> model.parameters().load(to, 0, from.value().segment()));
      }
      String name = format.name().toLowerCase(java.util.Locale.ROOT);
      contestants.add(contestant(name, model, Optional.of(format), owned));
    }
    return contestants;
  }

  /** Counts the bytes that a token reads: those of matrices and of the head, and of vectors. */
  private static Contestant contestant(
      String name, Gpt model, Optional<CompactWeight.Format> format, Owned owned) {
    model.eval();
    long bytes =
        model.parameters().list().stream()
            .filter(each -> each.kind() != Parameter.Kind.POSITIONS)
            .mapToLong(
                each ->
                    each.isCompact()
                        ? format.orElseThrow().bytes(each.shape())
                        : 4 * each.shape().elements())
            .sum();
    return new Contestant(name, bytes, owned.add(new Generator(model)));
  }

  private void turn(Contestant contestant, boolean warm) {
    for (int i = 0; i < together.size(); i++) {
      if (contestant.steps.size() <= i) {
        contestant.steps.add(new ArrayList<>());
      }
      Generation generation = contestant.generator.generate(continuations(together.get(i)));
      if (warm) {
        double step =
            (generation.nanos() - generation.nanosToFirst()) / 1e6 / Math.max(1, tokens - 1);
        contestant.steps.get(i).add(step);
        if (together.get(i) == 1) {
          contestant.prompts.add(generation.nanosToFirst() / 1e6);
        }
      }
    }
  }

  private List<Continuation> continuations(int count) {
    int[] prompt = new int[promptLength];
    Arrays.setAll(prompt, i -> (int) (i * 7919L % vocab));
    return IntStream.range(0, count)
        .mapToObj(sample -> new Continuation(prompt, tokens, SPEC, SEED, sample, token -> true))
        .toList();
  }

  private void print(List<Contestant> contestants, double read) {
    System.out.printf(
        "| weights | texts | ms a step, median | best | tokens/s | weights read, GB/s"
            + " | of the memory's rate | first token, ms |%n");
    System.out.println("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (int i = 0; i < together.size(); i++) {
      for (Contestant each : contestants) {
        double[] steps = each.steps.get(i).stream().mapToDouble(step -> step).toArray();
        double best = Arrays.stream(steps).min().orElseThrow();
        double rate = each.bytes / best / 1e6;
        System.out.printf(
            "| %s | %d | %.2f | %.2f | %.1f | %.1f | %.0f %% | %s |%n",
            each.name,
            together.get(i),
            Median.of(steps),
            best,
            1e3 * together.get(i) / best,
            rate,
            100 * rate / read,
            together.get(i) > 1
                ? ""
                : "%.0f"
                    .formatted(
                        Median.of(each.prompts.stream().mapToDouble(time -> time).toArray())));
      }
    }
  }
}
