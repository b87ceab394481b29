package dev.culebra.examples.cli;

import dev.culebra.data.Corpora;
import dev.culebra.data.DataPreparation;
import dev.culebra.data.NamedCorpus;
import dev.culebra.data.TextFacts;
import dev.culebra.data.TextSource;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.examples.arithmetic.Exercises;
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

/** {@code culebra data}: what there is to train on. */
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
      header = "List the texts that are known by name.",
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
            "%-12s %s, made on the fly, a tenth of them held out; --digits N%n",
            kind.label(), kind.what());
      }
      System.out.printf(
          "%nAlso any text file, folder of text files, .bin of tokens, or .jsonl of a%n"
              + "{\"prompt\": ..., \"completion\": ...} a line: --data PATH%n");
    }
  }

  /** {@code culebra data show}. */
  @Command(
      name = "show",
      header = "Show what a text holds, and how it begins.",
      footer = {"", "Example: culebra data show dickens"})
  static final class ShowCommand implements Callable<Integer> {
    private static final int BEGINNING = 400;
    private static final int PROBLEMS = 4;

    @Mixin private CommonOptions common;

    @Parameters(paramLabel = "NAME|PATH", description = "A name, a text file or a folder of them.")
    private String name;

    @Override
    public Integer call() throws IOException {
      Optional<Arithmetic> arithmetic = Arithmetic.find(name);
      if (arithmetic.isPresent()) {
        show(arithmetic.get());
        return 0;
      }
      TextSource text = Exercises.corpora().text(name);
      TextFacts facts = TextFacts.of(text);
      NamedCorpus.find(name).ifPresent(ShowCommand::print);
      line("characters", "%,d".formatted(facts.characters()));
      line("vocabulary", "%,d characters".formatted(facts.distinct()));
      line("words", "%,d".formatted(facts.words()));
      line("lines", "%,d".formatted(facts.lines()));
      System.out.printf("%n%s%n", beginning(text));
      return 0;
    }

    /** A few problems of each operation, as a model reads and writes them and as people do. */
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
     * How many characters of {@code piece}, no surrogate pair cut, {@code have} are still short of.
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
      header = "Turn texts into token files, so that big ones need not be read again.",
      description = {
        "Writes train.bin (the first 90 %% of the tokens), val.bin (the rest), both of 16-bit",
        "tokens as nanoGPT has them, and tokenizer.json. The tokenizer's end of text stands",
        "between documents: files, or lines of a .jsonl of {\"text\": ...}.",
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
      Path folder = out.path();
      out.requireFree(DataPreparation.isPrepared(folder), "token files");
      TextSource text = texts.source();
      DataPreparation.Result result =
          DataPreparation.prepare(text, Corpora.tokenizer(tokenizer, text), special, folder);
      System.out.printf("%,15d tokens  %s%n", result.trainTokens(), folder.resolve("train.bin"));
      System.out.printf("%,15d tokens  %s%n", result.validationTokens(), folder.resolve("val.bin"));
      System.out.printf("%,15d in the vocabulary%n", result.tokenizer().vocab());
      System.out.printf("To train on them: culebra train --data %s%n", folder);
      return 0;
    }
  }
}
