package dev.culebra.examples.cli;

import dev.culebra.backend.SamplingSpec;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.examples.cli.Prompts.Prompt;
import dev.culebra.generate.Generator;
import dev.culebra.text.TokenDecoder;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code culebra sample}. */
@Command(
    name = "sample",
    header = "Let a trained model continue a text.",
    description = "Prints the prompt and what the model makes of it, nothing else.",
    footer = {"", "Example: culebra sample --run runs/dickens-1 --prompt \"The old man \""})
final class SampleCommand implements Callable<Integer> {
  private static final int USUAL_TOKENS = 500;

  @Spec private CommandSpec spec;
  @Mixin private CommonOptions common;

  @Option(names = "--run", required = true, paramLabel = "DIR", description = "A run directory.")
  private Path directory;

  @Mixin private Prompts prompts;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description =
          "How many tokens to draw. Default: 500, or an answer for a model of addition or"
              + " calculator")
  private Integer tokens;

  @Option(
      names = "--special",
      description = "Recognise special tokens in the prompt, such as <|endoftext|>.")
  private boolean special;

  @Option(
      names = "--ignore-eos",
      description = "Go on after the token that ends a text. Default: stop there")
  private boolean ignoreEos;

  @Option(names = "--line", description = "Stop at the end of the line, as where an answer ends.")
  private boolean line;

  @Option(
      names = "--samples",
      paramLabel = "K",
      defaultValue = "1",
      description = "How many continuations. Default: ${DEFAULT-VALUE}")
  private Integer samples;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      defaultValue = "0.8",
      description =
          "Below 1 careful, above 1 daring, 0 always the likeliest. Default: ${DEFAULT-VALUE}")
  private Float temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "Only the K likeliest tokens; 0: all. Default: ${DEFAULT-VALUE}")
  private Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "Only the likeliest tokens that make up P. Default: ${DEFAULT-VALUE}")
  private Float topP;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of the draws. Default: another each time")
  private Long seed;

  @Mixin private AcceptChanges acceptChanges;
  private final DeviceFlags device = new DeviceFlags();
  @Mixin private final CommandSpec deviceFlags = device.spec();

  @Override
  public Integer call() throws IOException {
    SamplingSpec sampling = sampling();
    List<Prompt> given = prompts.given();
    try (RunFiles files = acceptChanges.open(directory);
        TrainedModel trained = TrainedModel.open(files, device.config(spec));
        Generator generator = new Generator(trained.model())) {
      Optional<Arithmetic> problems = Arithmetic.find(trained.config().data().data());
      if (tokens == null) {
        line |= problems.isPresent(); // line ends fill an answer that is shorter
        tokens = problems.map(Arithmetic::answerLength).orElse(USUAL_TOKENS);
      }
      List<int[]> starts = starts(given, trained);
      long draws = seed == null ? System.nanoTime() : seed;
      boolean first = true;
      for (int[] start : starts) {
        for (int sample = 0; sample < samples; sample++) {
          if (!first && !(prompts.areLines() && line)) {
            System.out.println("\n---");
          }
          first = false;
          print(generator, trained, start, sampling, draws, sample);
        }
      }
      return 0;
    }
  }

  /** The tokens of each prompt, all of them read before the first is continued. */
  private List<int[]> starts(List<Prompt> given, TrainedModel trained) throws IOException {
    if (prompts.mustBeAsked()) {
      Prompt answer = Prompts.ask();
      given = answer == null ? List.of() : List.of(answer);
    }
    return given.isEmpty()
        ? List.of(trained.tokenizer().start())
        : given.stream().map(prompt -> prompt.encode(trained.tokenizer(), special)).toList();
  }

  private SamplingSpec sampling() {
    requirePositive("--tokens", tokens == null ? 1 : tokens);
    requirePositive("--samples", samples);
    try {
      return new SamplingSpec(temperature, topK, topP);
    } catch (IllegalArgumentException e) {
      throw usage("--" + e.getMessage());
    }
  }

  private void requirePositive(String option, int value) {
    if (value < 1) {
      throw usage("%s must be at least 1, not %d".formatted(option, value));
    }
  }

  private ParameterException usage(String line) {
    return new ParameterException(spec.commandLine(), line);
  }

  private void print(
      Generator generator,
      TrainedModel trained,
      int[] start,
      SamplingSpec sampling,
      long draws,
      int sample) {
    WordWrap out = WordWrap.ofOutput().print(trained.tokenizer().decode(start));
    TokenDecoder decoder = trained.tokenizer().decoder();
    OptionalInt endOfText = trained.tokenizer().endOfText();
    generator.generate(
        start,
        tokens,
        sampling,
        draws,
        sample,
        token -> {
          if (!ignoreEos && endOfText.equals(OptionalInt.of(token))) {
            return false;
          }
          String text = decoder.accept(token);
          int end = line ? text.indexOf('\n') : -1;
          out.print(end < 0 ? text : text.substring(0, end));
          return end < 0 && !System.out.checkError(); // a closed pipe: nobody reads any more
        });
    out.print(decoder.finish()).finish();
  }
}
