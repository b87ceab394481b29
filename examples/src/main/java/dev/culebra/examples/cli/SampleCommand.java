package dev.culebra.examples.cli;

import dev.culebra.backend.SamplingSpec;
import dev.culebra.data.TextFiles;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.generate.Generator;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.UnknownCharacterException;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
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

  @Option(
      names = "--prompt",
      paramLabel = "TEXT|@FILE",
      description = "What to continue. Default: a line's end, as before a new text")
  private String prompt;

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
  @Mixin private DeviceFlags device;

  @Override
  public Integer call() throws IOException {
    SamplingSpec sampling = sampling();
    try (RunFiles files = acceptChanges.open(directory);
        TrainedModel trained = TrainedModel.open(files, device.config());
        Generator generator = new Generator(trained.model())) {
      Optional<Arithmetic> problems = Arithmetic.find(trained.config().data());
      if (tokens == null) {
        line |= problems.isPresent(); // line ends fill an answer that is shorter
        tokens = problems.map(Arithmetic::answerLength).orElse(USUAL_TOKENS);
      }
      int[] start = prompt == null ? trained.tokenizer().start() : encode(trained, promptText());
      long draws = seed == null ? System.nanoTime() : seed;
      for (int sample = 0; sample < samples; sample++) {
        if (sample > 0) {
          System.out.println("\n---");
        }
        print(generator, trained, start, sampling, draws, sample);
      }
      return 0;
    }
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

  private String promptText() throws IOException {
    String text =
        prompt.startsWith("@") ? TextFiles.of(Path.of(prompt.substring(1))).readAll() : prompt;
    if (text.isEmpty()) {
      throw new CommandException("the prompt is empty");
    }
    return text;
  }

  private int[] encode(TrainedModel trained, String text) {
    try {
      TokenEncoder encoder =
          special ? trained.tokenizer().specialEncoder() : trained.tokenizer().encoder();
      return IntStream.concat(IntStream.of(encoder.accept(text)), IntStream.of(encoder.finish()))
          .toArray();
    } catch (UnknownCharacterException e) {
      throw new CommandException("prompt: " + e.getMessage(), e);
    }
  }

  private void print(
      Generator generator,
      TrainedModel trained,
      int[] start,
      SamplingSpec sampling,
      long draws,
      int sample) {
    PrintStream out = System.out;
    out.print(trained.tokenizer().decode(start));
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
          out.flush();
          return end < 0 && !out.checkError(); // a closed pipe: nobody reads any more
        });
    out.println(decoder.finish());
  }
}
