package dev.culebra.examples.cli;

import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.data.Corpora;
import dev.culebra.data.DataException;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.examples.arithmetic.Exercises;
import dev.culebra.examples.report.Dashboard;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Setting;
import dev.culebra.train.DataConfig;
import dev.culebra.train.ModelFiles;
import dev.culebra.train.Progress;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.TrainingConfig;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code culebra train}. */
@Command(
    name = "train",
    abbreviateSynopsis = true,
    header = "Train a GPT on a text.",
    description = {
      "Without options: trains a small model on a novel that comes with Culebra, in minutes on a CPU.",
      "Options override a --config file, which overrides the --preset."
    },
    footer = {
      "",
      "Example: culebra train --data my-book.txt --steps 3000 --out runs/my-book",
      "         culebra train --resume --out runs/my-book",
      "         culebra train --resume --out runs/my-book --steps 6000"
    })
final class TrainCommand implements Callable<Integer> {
  /** The parent directory of runs without --out. */
  static final Path RUNS = Path.of("runs");

  private static final String DASHBOARD_PORT = "7337";
  private static final int MAX_PORT = 65_535;

  @Spec private CommandSpec spec;
  @Mixin private CommonOptions common;
  private final TrainFlags flags = new TrainFlags();
  @Mixin private final CommandSpec trainFlags = flags.spec();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The run's directory. Default: the first free one of runs/DATA-N")
  private Path out;

  @Option(
      names = "--resume",
      description =
          "Continue the run in --out with its own configuration, perhaps on another --device. "
              + "What may change: --steps, --minutes, --patience, --lr, --min-lr, --clip, and the "
              + "steps between evaluations, checkpoints, logged steps and samples.")
  private boolean resume;

  @Option(
      names = "--from",
      paramLabel = "WHICH",
      description =
          "With --resume: from the last checkpoint, or from the best one, for example after a loss "
              + "of NaN; the optimizer then starts afresh. Default: last")
  private Start from;

  @Option(
      names = "--new-decay",
      description =
          "With --resume and a larger --steps: the learning rate rises and falls once more. "
              + "Default: its descent is stretched to the new length")
  private boolean newDecay;

  @Option(
      names = "--data-changed",
      description = "With --resume: continue although the data has changed since the checkpoint.")
  private boolean dataChanged;

  @Option(
      names = "--init-from",
      paramLabel = "PATH",
      description =
          "Start from the weights and the tokenizer of another run, a Hugging Face folder or an "
              + "llm.c checkpoint (finetuning). The default --lr is then a tenth of the usual one.")
  private Path initFrom;

  @Option(
      names = "--grow-vocab",
      description =
          "With --init-from and a character model: characters that it does not know become new "
              + "tokens.")
  private boolean growVocab;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "JSON with some or all fields of a run's config.json.")
  private Path configFile;

  @Option(
      names = "--dashboard",
      arity = "0..1",
      fallbackValue = DASHBOARD_PORT,
      paramLabel = "PORT",
      description =
          "Serve the run's report live, to this machine only, on port "
              + DASHBOARD_PORT
              + " unless PORT is given; "
              + "0 takes one that is free.")
  private Integer dashboard;

  @Mixin private AcceptChanges acceptChanges;

  /** The checkpoint to resume from. */
  enum Start {
    LAST,
    BEST;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Override
  public Integer call() throws IOException {
    try (TrainView view = new TrainView(openDashboard());
        TrainingRun run = open(view)) {
      return train(run, view);
    }
  }

  /** Opened before anything is created for the run: the port may be in use. */
  private Dashboard openDashboard() throws IOException {
    if (dashboard == null) {
      return null;
    }
    if (dashboard < 0 || dashboard > MAX_PORT) {
      throw usage("--dashboard takes a port from 0 to %d, not %d".formatted(MAX_PORT, dashboard));
    }
    return Dashboard.open(dashboard);
  }

  private TrainingRun open(TrainListener listener) throws IOException {
    Corpora corpora = Exercises.corpora();
    if (resume) {
      requireNothingElse();
      return resume(corpora, listener);
    }
    if (from != null || newDecay || dataChanged) {
      String option = newDecay ? "--new-decay" : dataChanged ? "--data-changed" : "--from";
      throw usage(option + " goes with --resume only");
    }
    if (initFrom == null) {
      if (growVocab) {
        throw usage("--grow-vocab goes with --init-from only");
      }
      TrainConfig config = config(Options.NONE);
      return start(config, corpora, listener);
    }
    try (ModelFiles from = acceptChanges.open(initFrom)) {
      Options shape = from.config().shape();
      TrainConfig config = config(shape.with(TrainingConfig.LR, config(shape).finetuningRate()));
      return finetune(config, from, corpora, listener);
    }
  }

  private TrainingRun start(TrainConfig config, Corpora corpora, TrainListener listener)
      throws IOException {
    try {
      return TrainingRun.start(config, corpora, () -> directory(config), listener);
    } catch (OptionException e) {
      throw usage(Flags.message(e));
    }
  }

  private TrainingRun finetune(
      TrainConfig config, ModelFiles from, Corpora corpora, TrainListener listener)
      throws IOException {
    try {
      return TrainingRun.finetune(
          config, from, growVocab, corpora, () -> directory(config), listener);
    } catch (OptionException e) {
      throw usage(Flags.message(e));
    }
  }

  /** A resumed run already has its configuration. */
  private void requireNothingElse() {
    if (out == null) {
      throw usage("--resume needs the run's directory: --out DIR");
    }
    List<String> others = new ArrayList<>();
    for (Setting<?> fixed : given().only(option -> !option.isChangeable()).settings()) {
      others.add(Flags.NAMING.setting(fixed));
    }
    if (initFrom != null) {
      others.add("--init-from");
    }
    if (growVocab) {
      others.add("--grow-vocab");
    }
    if (configFile != null) {
      others.add("--config");
    }
    if (!others.isEmpty()) {
      throw usage(
          "--resume continues a run with its own configuration: %s cannot change; to train with others: --init-from DIR"
              .formatted(String.join(", ", others)));
    }
  }

  private TrainingRun resume(Corpora corpora, TrainListener listener) throws IOException {
    boolean fromBest = from == Start.BEST;
    try {
      return TrainingRun.resume(
          out,
          new TrainingRun.Resumption(
              flags.task(),
              flags.machine(),
              fromBest,
              newDecay,
              acceptChanges.given(),
              dataChanged),
          corpora,
          listener);
    } catch (OptionException e) {
      throw usage(Flags.message(e));
    }
  }

  private TrainConfig config(Options base) throws IOException {
    Options file =
        configFile == null
            ? Options.NONE
            : TrainConfig.read(configFile).without(TrainConfig.INIT_FROM); // of another run
    try {
      Options told = base.with(file).with(given());
      TrainConfig config = TrainConfig.of(told, Exercises.options(told));
      DataConfig data = config.data();
      if (!data.tokenizer().equals(TokenizerChoice.CHAR)
          && Arithmetic.find(data.data()).isPresent()) {
        throw usage(
            "--data %s has a tokenizer of its own: --tokenizer %s cannot be used with it"
                .formatted(data.data(), data.tokenizer()));
      }
      return config;
    } catch (IllegalArgumentException | DataException e) {
      throw usage(Flags.message(e));
    }
  }

  private Options given() {
    try {
      return flags.given();
    } catch (IllegalArgumentException | DataException e) {
      throw usage(Flags.message(e));
    }
  }

  private ParameterException usage(String line) {
    return new ParameterException(spec.commandLine(), line);
  }

  private RunDirectory directory(TrainConfig config) throws IOException {
    if (out != null) {
      return RunDirectory.create(out);
    }
    Path name = Path.of(config.data().data()).toAbsolutePath().normalize().getFileName();
    String label =
        name == null
            ? ""
            : name.toString()
                .replaceFirst("(?<=.)\\.gz$", "")
                .replaceFirst("(?<=.)\\.[^.]*$", "")
                .replaceAll("[*?{}\\[\\]]", ""); // of a pattern
    return RunDirectory.createFirstFree(RUNS, label.isEmpty() ? "run" : label);
  }

  private int train(TrainingRun run, TrainView view) throws IOException {
    if (resume && run.wasFinished()) {
      view.hasFinishedBefore(run);
      return 0;
    }
    try (Interrupt interrupt = new Interrupt(run.trainer()::requestStop, view::say)) {
      view.begin(run);
      run.files().warnings().forEach(view::say);
      if (resume && run.trainer().progress().step() == 0) {
        view.say("no checkpoint yet: starts again from the first step");
      }
      Progress progress = run.run();
      if (interrupt.happened()) {
        view.stopped(run, progress);
        return Interrupt.EXIT_CODE;
      }
      view.finished(run, progress);
      return 0;
    }
  }
}
