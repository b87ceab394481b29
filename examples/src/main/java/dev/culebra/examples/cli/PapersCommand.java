package dev.culebra.examples.cli;

import dev.culebra.examples.arithmetic.Exercises;
import dev.culebra.examples.papers.Paper;
import dev.culebra.examples.papers.PaperTable;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Options;
import dev.culebra.train.ReportConfig;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code culebra papers}. */
@Command(
    name = "papers",
    abbreviateSynopsis = true,
    header = "Measure features of newer papers against GPT-2, at equal steps and in equal time.",
    description = {
      "Trains a model with each feature, and one without any, and prints a Markdown table.",
      "Accepts the options of train, which apply to all models. Takes about half an hour on two cores."
    },
    footer = {"", "Example: culebra papers --data dickens --steps 1000"})
final class PapersCommand implements Callable<Integer> {
  private static final int USUAL_STEPS = 1000;
  private static final int USUAL_EVAL_BATCHES = 100;

  @Spec private CommandSpec spec;
  @Mixin private CommonOptions common;
  private final TrainFlags flags = new TrainFlags();
  @Mixin private final CommandSpec trainFlags = flags.spec();

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "NAME",
      description = "Only these of ${COMPLETION-CANDIDATES}. Default: all")
  private List<Paper> only;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "2",
      description = "Runs whose losses are averaged. Default: ${DEFAULT-VALUE}")
  private Integer seeds;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "5",
      description = "Measurements of the time per step. Default: ${DEFAULT-VALUE}")
  private Integer rounds;

  @Override
  public Integer call() throws IOException {
    requirePositive("--seeds", seeds);
    requirePositive("--rounds", rounds);
    Options given = flags.given();
    Options base =
        Exercises.options(given)
            .with(TrainingConfig.STEPS, USUAL_STEPS)
            .with(ReportConfig.EVAL_BATCHES, USUAL_EVAL_BATCHES)
            // overrides the data's own defaults
            .with(TrainingConfig.OPTIMIZER, Optimizer.Kind.ADAMW)
            .with(given);
    TrainConfig config = checked(base);
    List<Long> chosen =
        LongStream.range(0, seeds).mapToObj(i -> config.training().seed() + i).toList();
    PaperTable table = new PaperTable(base, rounds, chosen, TrainFlags::line, System.err::println);
    System.out.printf(
        Locale.ROOT,
        "%s, %d layers, %d heads, %d wide, %,d tokens per step; %s, %d processors; seeds %s%n%n",
        config.data().data(),
        config.model().layers(),
        config.model().heads(),
        config.model().embd(),
        config.tokensPerStep(),
        Machine.now().cpu(),
        Runtime.getRuntime().availableProcessors(),
        chosen);
    try (Interrupt interrupt = new Interrupt(table::requestStop, System.err::println)) {
      return table.measure(papers(), System.out::println) ? 0 : Interrupt.EXIT_CODE;
    }
  }

  /** The papers, starting with the baseline. */
  private List<Paper> papers() {
    List<Paper> papers = new ArrayList<>(List.of(Paper.BASELINE));
    for (Paper paper : only == null ? List.of(Paper.values()) : only) {
      if (!papers.contains(paper)) {
        papers.add(paper);
      }
    }
    return papers;
  }

  /** Checks all configurations before the first one is trained. */
  private TrainConfig checked(Options base) {
    try {
      for (Paper paper : papers()) {
        TrainConfig.of(base.with(paper.options()));
      }
      return TrainConfig.of(base);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), Flags.message(e));
    }
  }

  private void requirePositive(String option, int value) {
    if (value < 1) {
      throw new ParameterException(
          spec.commandLine(), "%s must be at least 1, not %d".formatted(option, value));
    }
  }
}
