package dev.culebra.examples.cli;

import dev.culebra.backend.SamplingSpec;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.examples.cli.Prompts.Prompt;
import dev.culebra.generate.Continuation;
import dev.culebra.generate.Generation;
import dev.culebra.generate.Generator;
import dev.culebra.text.TokenDecoder;
import dev.culebra.train.ModelFiles;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
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
    description = "Prints only the prompt and its continuation.",
    footer = {"", "Example: culebra sample --run runs/dickens-1 --prompt \"The old man \""})
final class SampleCommand implements Callable<Integer> {
  private static final int USUAL_TOKENS = 500;

  @Spec private CommandSpec command;
  @Mixin private CommonOptions common;

  @Mixin private ModelOption model;

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
      description = "Continue after the token that ends a text. Default: stop there")
  private boolean ignoreEos;

  @Option(names = "--line", description = "Stop at the end of the line, where an answer ends.")
  private boolean line;

  @Option(
      names = "--samples",
      paramLabel = "K",
      defaultValue = "1",
      description = "How many continuations. Default: ${DEFAULT-VALUE}")
  private Integer samples;

  @Option(
      names = "--stats",
      description = "Say how long the first token took, and how many followed a second.")
  private boolean stats;

  @Mixin private SamplingFlags sampling;

  private final DeviceFlags device = new DeviceFlags();
  @Mixin private final CommandSpec deviceFlags = device.spec();

  @Override
  public Integer call() throws IOException {
    requirePositive("--tokens", tokens == null ? 1 : tokens);
    requirePositive("--samples", samples);
    SamplingSpec spec = sampling.spec();
    List<Prompt> given = prompts.given();
    try (ModelFiles files = model.open()) {
      SpecialTokens.require(special, files.tokenizer(), command);
      return sample(files, spec, given);
    }
  }

  private int sample(ModelFiles files, SamplingSpec spec, List<Prompt> given) throws IOException {
    try (TrainedModel trained = device.open(files, command);
        Generator generator = new Generator(trained.model())) {
      Optional<Arithmetic> problems = Arithmetic.find(trained.config().data().data());
      if (tokens == null) {
        line |= problems.isPresent(); // line ends pad a shorter answer
        tokens = problems.map(Arithmetic::answerLength).orElse(USUAL_TOKENS);
      }
      List<int[]> starts = starts(given, trained);
      String between = prompts.areLines() && line ? "" : "\n---\n";
      try (Interrupt interrupt = new Interrupt(() -> {}, System.err::println)) {
        Continuations all =
            new Continuations(trained, starts, spec, new TextsInTurn(between), interrupt);
        Generation generation = generator.generate(() -> all);
        if (stats) {
          System.err.printf(
              "%,d tokens, the first after %.3f s, then %,.1f tokens/s%n",
              generation.tokens(), generation.secondsToFirst(), generation.tokensPerSecond());
        }
        return interrupt.happened() ? Interrupt.EXIT_CODE : 0;
      }
    }
  }

  /** The tokens of each prompt; all are read before the first is continued. */
  private List<int[]> starts(List<Prompt> given, TrainedModel trained) throws IOException {
    if (prompts.mustBeAsked()) {
      Prompt answer = Prompts.ask();
      given = answer == null ? List.of() : List.of(answer);
    }
    return given.isEmpty()
        ? List.of(trained.conventions().start(trained.tokenizer()))
        : given.stream()
            .map(prompt -> prompt.encode(trained.tokenizer(), special))
            .map(trained.conventions()::prompt)
            .toList();
  }

  private void requirePositive(String option, int value) {
    if (value < 1) {
      throw new ParameterException(
          command.commandLine(), "%s must be at least 1, not %d".formatted(option, value));
    }
  }

  /** What to write, prompt by prompt; nothing more when nobody reads it. */
  private final class Continuations implements Iterator<Continuation> {
    private final TrainedModel trained;
    private final List<int[]> starts;
    private final SamplingSpec spec;
    private final TextsInTurn texts;
    private final Interrupt interrupt;
    private final long draws = sampling.seed();
    private int begun;
    private boolean isRead = true;

    Continuations(
        TrainedModel trained,
        List<int[]> starts,
        SamplingSpec spec,
        TextsInTurn texts,
        Interrupt interrupt) {
      this.trained = trained;
      this.starts = starts;
      this.spec = spec;
      this.texts = texts;
      this.interrupt = interrupt;
    }

    @Override
    public boolean hasNext() {
      return begun < starts.size() * samples && isRead && !interrupt.happened();
    }

    @Override
    public Continuation next() {
      int[] start = starts.get(begun / samples);
      int sample = begun++ % samples;
      TextsInTurn.Text text = texts.begin(trained.conventions().shown(start, trained.tokenizer()));
      TokenDecoder decoder = trained.tokenizer().decoder();
      int[] left = {tokens};
      return new Continuation(
          start,
          tokens,
          spec,
          draws,
          sample,
          token -> {
            boolean goesOn = !ends(token) && print(decoder.accept(token), text) && --left[0] > 0;
            if (!goesOn) {
              text.print(decoder.finish());
              if (interrupt.happened()) {
                texts.stop();
              }
              text.end();
            }
            return goesOn;
          });
    }

    private boolean ends(int token) {
      return !ignoreEos && trained.conventions().ends().contains(token);
    }

    /** Returns whether to go on. */
    private boolean print(String piece, TextsInTurn.Text text) {
      int end = line ? piece.indexOf('\n') : -1;
      isRead = text.print(end < 0 ? piece : piece.substring(0, end));
      return end < 0 && isRead && !interrupt.happened();
    }
  }
}
