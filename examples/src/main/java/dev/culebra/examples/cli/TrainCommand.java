package dev.culebra.examples.cli;

import dev.culebra.backend.Backend;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.nn.Gpt;
import dev.culebra.text.Tokenizer;
import dev.culebra.train.Devices;
import dev.culebra.train.Progress;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainOptions;
import dev.culebra.train.Trainer;
import java.io.IOException;
import java.nio.file.Path;
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
    header = "Train a GPT on a text.",
    description = {
      "Without options: a small model on a novel that comes with Culebra, in minutes on a CPU.",
      "Options override a --config file, which overrides the --preset."
    },
    footer = {
      "",
      "Example: culebra train --data my-book.txt --steps 3000 --out runs/my-book",
      "         culebra train --resume --out runs/my-book"
    })
final class TrainCommand implements Callable<Integer> {
  static final int INTERRUPTED = 130;
  private static final Path RUNS = Path.of("runs");

  @Spec private CommandSpec spec;
  @Mixin private CommonOptions common;
  @Mixin private TrainFlags flags;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Run directory. Default: the first free runs/DATA-N")
  private Path out;

  @Option(names = "--resume", description = "Continue the run in --out with its own configuration.")
  private boolean resume;

  @Option(
      names = "--init-from",
      paramLabel = "DIR",
      description = "Start from the weights and tokenizer of another run (finetuning).")
  private Path initFrom;

  @Option(
      names = "--skip-unknown",
      description = "With --init-from: leave out characters that run's tokenizer does not know.")
  private boolean skipUnknown;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "JSON with some of a run's config.json.")
  private Path configFile;

  @Override
  public Integer call() throws IOException {
    return resume ? resume() : start();
  }

  private int start() throws IOException {
    TrainConfig config = config();
    if (initFrom != null) {
      return finetune(config);
    }
    try (Backend backend = Devices.open(config.device(), config.threads());
        Corpus corpus = Corpora.ofUser().open(config.data(), config.tokenizer())) {
      corpus.requireContext(config.context());
      try (RunFiles files = RunFiles.create(directory(config), config, corpus.tokenizer());
          Gpt model = new Gpt(config.model(corpus.tokenizer().vocab()), backend, config.seed())) {
        return run(model, config, corpus, files);
      }
    }
  }
}
