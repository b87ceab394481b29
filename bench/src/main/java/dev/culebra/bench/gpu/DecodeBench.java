package dev.culebra.bench.gpu;

import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.bench.Commands;
import dev.culebra.bench.Median;
import dev.culebra.bench.Surroundings;
import dev.culebra.cuda.Binding;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Preset;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times the generation of tokens, one at a time: the latency of the first token after a prompt, and
 * the speed of the following ones.
 */
@Command(
    name = "decode",
    description = "Times generation on a GPU, after short and long prompts.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class DecodeBench implements Callable<Integer> {
  private static final long SEED = 1337;
  private static final int ROUNDS = 3;
  private static final SamplingSpec SPEC = new SamplingSpec(0.8f, 200, 1);

  @Option(
      names = "--preset",
      defaultValue = "gpt2",
      description = "The model (default: ${DEFAULT-VALUE}).")
  private Preset preset;

  @Option(
      names = "--vocab",
      defaultValue = "50257",
      description = "Number of tokens (default: ${DEFAULT-VALUE}).")
  private int vocab;

  @Option(
      names = "--positions",
      split = ",",
      defaultValue = "128,1000",
      description = "Prompt lengths (default: ${DEFAULT-VALUE}).")
  private List<Integer> positions;

  @Option(
      names = "--tokens",
      defaultValue = "20",
      description = "Tokens drawn after each prompt (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--binding",
      defaultValue = "auto",
      description = "ffm or jcuda (default: ${DEFAULT-VALUE}).")
  private Binding binding;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Also writes the table there.")
  private Path markdown;

  public static void main(String[] args) {
    Commands.run(new DecodeBench(), args);
  }

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    CudaConfig config = new CudaConfig(0, binding, DType.BF16, false);
    try (CudaBackend backend = new CudaBackend(config);
        Gpt model = new Gpt(preset.config(vocab), backend, SEED);
        Generator generator = new Generator(model)) {
      Report report = new Report(markdown);
      report.line(
          "%s, %s, %s; model and generator created in %.1f s",
          backend.name(), preset, Surroundings.date(), secondsSince(start));
      report.line("");
      report.line("| prompt | first token, ms, once | again | ms per token | tokens/s |");
      report.line("| ---: | ---: | ---: | ---: | ---: |");
      for (int length : positions) {
        double[] first = new double[ROUNDS];
        double[] next = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
          double[] times = times(generator, prompt(length));
          first[round] = times[0];
          next[round] = (times[tokens - 1] - times[0]) / (tokens - 1);
        }
        double seconds = Median.of(Arrays.copyOfRange(next, 1, ROUNDS));
        report.line(
            "| %d | %.1f | %.1f | %.3f | %.0f |",
            length,
            1e3 * first[0],
            1e3 * Median.of(Arrays.copyOfRange(first, 1, ROUNDS)),
            1e3 * seconds,
            1 / seconds);
      }
    }
    return 0;
  }

  /** Seconds from the call to each token. */
  private double[] times(Generator generator, int[] prompt) {
    double[] times = new double[tokens];
    int[] drawn = {0};
    long start = System.nanoTime();
    generator.generate(
        prompt,
        tokens,
        SPEC,
        SEED,
        0,
        token -> {
          times[drawn[0]++] = secondsSince(start);
          return true;
        });
    return times;
  }

  private int[] prompt(int length) {
    RandomStream random = new RandomStream(SEED, 2, 0);
    int[] prompt = new int[length];
    Arrays.setAll(prompt, i -> random.nextInt(vocab));
    return prompt;
  }

  private static double secondsSince(long start) {
    return 1e-9 * (System.nanoTime() - start);
  }
}
