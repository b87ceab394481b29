package dev.culebra.examples.cli;

import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.data.DataPreparation;
import dev.culebra.data.DataSpec;
import dev.culebra.data.Dataset;
import dev.culebra.data.Holdout;
import dev.culebra.data.NamedCorpus;
import dev.culebra.data.TextFacts;
import dev.culebra.data.TextFiles;
import dev.culebra.data.TextSource;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.examples.arithmetic.Exercises;
import dev.culebra.text.Tokenizer;
import dev.culebra.train.DataConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culebra data}: data to train on. */
@Command(
    name = "data",
    header = "List, show and prepare texts to train on.",
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    footer = {"", "Example: culebra data show dickens"},
    subcommands = {
      DataCommand.ListCommand.class,
      DataCommand.ShowCommand.class,
      DataCommand.PrepareCommand.class
    })
final class DataCommand implements Runnable {
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing command: list, show or prepare");
  }

  /** {@code culebra data list}. */
  @Command(
      name = "list",
      header = "List the built-in data.",
      footer = {"", "Example: culebra data list"})
  static final class ListCommand implements Runnable {
    @Mixin private CommonOptions common;

    @Override
    public void run() {
      for (NamedCorpus corpus : NamedCorpus.values()) {
        System.out.printf("%-12s %s%n", corpus.label(), corpus.description());
      }
      for (Arithmetic.Kind kind : Arithmetic.Kind.values()) {
        System.out.printf(
            "%-12s %s, generated on the fly, a tenth of them held out; --digits N%n",
            kind.label(), kind.what());
      }
      System.out.printf(
          "%nAlso a text file or a folder of them, a .jsonl with {\"text\": ...} per line (either may be%n"
              + "gzipped), a .bin of tokens, a folder of shards (x_train_1.bin, x_val_0.bin), or a%n"
              + ".jsonl with {\"prompt\": ..., \"completion\": ...} or {\"messages\": [...]} per line:%n"
              + "--data PATH. A path may be a pattern, in quotes: --data 'shards/fineweb_*.bin'%n");
    }
  }

  /** {@code culebra data show}. */
  @Command(
      name = "show",
      header = "Show facts about some data, which part of it is for validation, and how it begins.",
      description = {
        "For a folder also the number of files. For token files (.bin) the number of tokens; what",
        "they mean, tokenizer.json or nanoGPT's meta.pkl beside them says, or they are GPT-2's."
      },
      footer = {
        "",
        "Example: culebra data show dickens",
        "         culebra data show books/ --val-split documents"
      })
  static final class ShowCommand implements Callable<Integer> {
    private static final int BEGINNING = 400;
    private static final int PROBLEMS = 4;

    @Mixin private CommonOptions common;

    @Spec private CommandSpec spec;

    @Parameters(
        paramLabel = "NAME|PATH",
        description = "A name, a text file, a .bin of tokens, or a folder or pattern of them.")
    private String name;

    private final HoldoutFlags holdoutFlags = new HoldoutFlags();

    @Mixin
    private final CommandSpec holdoutSpec =
        holdoutFlags.spec(DataConfig.VAL_FRACTION, DataConfig.VAL_SPLIT, DataConfig.VAL_DATA);

    @Override
    public Integer call() throws IOException {
      Holdout holdout = holdoutFlags.holdout(spec);
      Optional<Arithmetic> arithmetic = Arithmetic.find(name);
      Corpora corpora = Exercises.corpora();
      if (arithmetic.isPresent()) {
        show(arithmetic.get());
      } else if (corpora.isAnswers(name)) {
        showAnswers(corpora, holdout);
      } else if (corpora.isTokens(name)) {
        showTokens(corpora, holdout);
      } else {
        show(corpora.text(name), holdout);
      }
      return 0;
    }

    private void showAnswers(Corpora corpora, Holdout holdout) throws IOException {
      DataSpec data = DataSpec.of(name).with(holdout);
      try (Dataset answers = corpora.dataset(data, TokenizerChoice.CHAR)) {
        System.out.printf("%s%n%n", answers.describe());
        System.out.println(beginning(TextFiles.of(Path.of(name))));
      }
    }

    private void showTokens(Corpora corpora, Holdout holdout) throws IOException {
      DataSpec data = DataSpec.of(name).with(holdout);
      try (Corpus corpus = corpora.open(data, TokenizerChoice.CHAR)) {
        line("files", "%,d".formatted(corpus.fileCount()));
        line("training", "%,d tokens".formatted(corpus.train().size()));
        line(
            "validation",
            "%,d tokens (%s)".formatted(corpus.validation().size(), corpus.validationPart()));
        line("tokenizer", corpus.tokenizer().toString());
        int[] first = new int[(int) Math.min(BEGINNING, corpus.train().size())];
        corpus.train().copy(0, first.length, first, 0);
        String beginning = corpus.tokenizer().decode(first);
        System.out.printf("%n%s%n", beginning.substring(0, wanted(beginning, 0)).strip());
      }
    }

    private void show(TextSource text, Holdout holdout) throws IOException {
      TextFacts facts = TextFacts.of(text);
      NamedCorpus.find(name).ifPresent(ShowCommand::print);
      if (text.fileCount() > 1) {
        line("files", "%,d".formatted(text.fileCount()));
      }
      line("characters", "%,d".formatted(facts.characters()));
      line("vocabulary", "%,d characters".formatted(facts.distinct()));
      line("words", "%,d".formatted(facts.words()));
      line("lines", "%,d".formatted(facts.lines()));
      line("validation", holdout.describe(text.fileCount()));
      System.out.printf("%n%s%n", beginning(text));
    }

    /** Prints a few problems of each operation, as a model writes them and in usual notation. */
    private static void show(Arithmetic arithmetic) {
      System.out.printf("%s%n%n", arithmetic.describe());
      int width = arithmetic.context() + 3;
      for (Arithmetic.Problem problem : arithmetic.heldOut(PROBLEMS)) {
        String written = arithmetic.question(problem) + arithmetic.answer(problem);
        System.out.printf("%-" + width + "s%s%n", written, problem);
      }
    }

    private static void print(NamedCorpus corpus) {
      line("what", corpus.description());
      line("licence", corpus.licence());
      line("source", corpus.source());
    }

    private static void line(String name, String value) {
      System.out.printf("%-10s %s%n", name, value);
    }

    private static String beginning(TextSource text) throws IOException {
      StringBuilder beginning = new StringBuilder();
      text.read(piece -> beginning.append(piece, 0, wanted(piece, beginning.length())));
      return beginning.toString().strip();
    }

    /**
     * How many characters of {@code piece} are still needed after {@code have}, without splitting a
     * surrogate pair.
     */
    private static int wanted(String piece, int have) {
      int length = Math.clamp(BEGINNING - have, 0, piece.length());
      boolean cutsPair =
          length > 0 && length < piece.length() && Character.isLowSurrogate(piece.charAt(length));
      return cutsPair ? length - 1 : length;
    }
  }

  /** {@code culebra data prepare}. */
  @Command(
      name = "prepare",
      header = "Turn texts into token files, so that large texts are encoded only once.",
      description = {
        "Writes train.bin, val.bin (the last 10 %% of every file), both of tokens as nanoGPT has",
        "them: of 16 bits, or of 32 where the vocabulary is larger than 65,536; and tokenizer.json.",
        "The tokenizer's end of text stands between documents: files, or lines of a .jsonl of",
        "{\"text\": ...}.",
        "Like train, it makes a token of each character unless told otherwise; for the presets",
        "that are called gpt2 say --tokenizer gpt2."
      },
      footer = {
        "",
        "Example: culebra data prepare books/ --out tokens",
        "         culebra data prepare books/ --out tokens --tokenizer gpt2"
      })
  static final class PrepareCommand implements Callable<Integer> {
    @Mixin private CommonOptions common;

    @Mixin private InputTexts texts;

    @Mixin private OutputFolder out;

    private final HoldoutFlags holdoutFlags = new HoldoutFlags();

    @Mixin
    private final CommandSpec holdoutSpec =
        holdoutFlags.spec(DataConfig.VAL_FRACTION, DataConfig.VAL_SPLIT);

    @Spec private CommandSpec spec;

    @Option(
        names = "--tokenizer",
        paramLabel = "KIND|DIR",
        defaultValue = "char",
        description = "char, gpt2, or a folder with a tokenizer. Default: ${DEFAULT-VALUE}")
    private TokenizerChoice tokenizer;

    @Option(
        names = "--special",
        description =
            "Recognise special tokens in the texts, such as <|endoftext|>. Default: they are "
                + "ordinary text")
    private boolean special;

    @Override
    public Integer call() throws IOException {
      Holdout holdout = holdoutFlags.holdout(spec);
      Path folder = out.path();
      out.requireFree(DataPreparation.isPrepared(folder), "token files");
      TextSource text = texts.source();
      Tokenizer encoding = Corpora.tokenizer(tokenizer, text);
      SpecialTokens.require(special, encoding, spec);
      DataPreparation.Result result =
          DataPreparation.prepare(text, encoding, holdout, special, folder);
      System.out.printf("%,15d tokens  %s%n", result.trainTokens(), folder.resolve("train.bin"));
      System.out.printf("%,15d tokens  %s%n", result.validationTokens(), folder.resolve("val.bin"));
      System.out.printf("%,15d in the vocabulary%n", result.tokenizer().vocab());
      System.out.printf("To train on them: culebra train --data %s%n", folder);
      return 0;
    }
  }
}
