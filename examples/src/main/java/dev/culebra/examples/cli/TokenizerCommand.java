package dev.culebra.examples.cli;

import dev.culebra.data.TextSource;
import dev.culebra.data.TokenizerFolder;
import dev.culebra.text.AddedToken;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.BpeTrainer;
import dev.culebra.text.PreTokenizer;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culebra tokenizer}: trains and shows tokenizers. */
@Command(
    name = "tokenizer",
    header = "Train a tokenizer on texts, or show one.",
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    footer = {"", "Example: culebra tokenizer train my-book.txt --vocab 2000 --out my-tokenizer"},
    subcommands = {TokenizerCommand.TrainCommand.class, TokenizerCommand.ShowCommand.class})
final class TokenizerCommand implements Runnable {
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing command: train or show");
  }

  /** {@code culebra tokenizer train}. */
  @Command(
      name = "train",
      header = "Learn byte pairs from texts: fewer tokens than characters, more than words.",
      description = {
        "Writes tokenizer.json as Hugging Face's libraries read it, tokenizer_config.json,",
        "vocab.json and merges.txt."
      },
      footer = {
        "",
        "Example: culebra tokenizer train my-book.txt --vocab 2000 --out my-tokenizer",
        "         culebra train --data my-book.txt --tokenizer my-tokenizer"
      })
  static final class TrainCommand implements Callable<Integer> {
    private static final List<String> SPECIALS = List.of("<|endoftext|>");

    @Spec private CommandSpec spec;
    @Mixin private CommonOptions common;

    @Mixin private InputTexts texts;

    @Option(
        names = "--vocab",
        required = true,
        paramLabel = "N",
        description = "How many tokens, including the 256 bytes and the end of a text.")
    private Integer vocab;

    @Mixin private OutputFolder out;

    @Option(
        names = "--pre-tokenizer",
        paramLabel = "NAME",
        defaultValue = "gpt2",
        description =
            "How text is divided into words, which no token crosses: gpt2, llama3, qwen2 or "
                + "smollm. Default: ${DEFAULT-VALUE}")
    private PreTokenizer preTokenizer;

    @Override
    public Integer call() throws IOException {
      Path folder = out.path();
      out.requireFree(TokenizerFolder.exists(folder), "files of a tokenizer");
      int least = BpeTrainer.leastVocab(SPECIALS);
      if (vocab < least) {
        throw new ParameterException(
            spec.commandLine(), "--vocab must be at least %d, not %d".formatted(least, vocab));
      }
      BpeTrainer trainer = new BpeTrainer(preTokenizer);
      texts
          .source()
          .read(
              new TextSource.Sink() {
                @Override
                public void accept(String piece) {
                  trainer.add(piece);
                }

                @Override
                public void endDocument() {
                  trainer.endDocument();
                }
              });
      BpeTokenizer tokenizer = new BpeTokenizer(trainer.train(vocab, SPECIALS));
      TokenizerFolder.save(tokenizer, folder);
      System.out.printf("%,15d tokens  %s%n", tokenizer.vocab(), folder.resolve("tokenizer.json"));
      if (tokenizer.vocab() < vocab) {
        System.out.printf("Fewer than requested: no other pair occurs twice in the text%n");
      }
      System.out.printf("To train with it: culebra train --tokenizer %s%n", folder);
      return 0;
    }
  }

  /** {@code culebra tokenizer show}. */
  @Command(
      name = "show",
      header = "Show what a tokenizer makes of a text.",
      footer = {"", "Example: culebra tokenizer show runs/dickens-1 --text \"The old man\""})
  static final class ShowCommand implements Callable<Integer> {
    @Mixin private CommonOptions common;

    @Parameters(
        paramLabel = "DIR|RUN",
        description = "A folder with a tokenizer, or a run directory.")
    private Path folder;

    @Option(names = "--text", paramLabel = "TEXT", description = "A text to encode.")
    private String text;

    @Option(
        names = "--special",
        description = "Recognise special tokens in --text, such as <|endoftext|>.")
    private boolean special;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
      Tokenizer tokenizer = TokenizerFolder.open(folder);
      SpecialTokens.require(special, tokenizer, spec);
      line("kind", tokenizer.name());
      line("tokens", "%,d".formatted(tokenizer.vocab()));
      if (tokenizer instanceof BpeTokenizer pairs) {
        line("words", pairs.parts().preTokenizer().label());
        line("merges", "%,d".formatted(pairs.parts().merges().size()));
        line(
            "special",
            pairs.parts().added().stream()
                .filter(AddedToken::special)
                .map(token -> "%d %s".formatted(token.id(), token.content()))
                .collect(Collectors.joining(", ")));
      }
      tokenizer
          .endOfText()
          .ifPresent(
              end -> line("documents", "end with %d %s".formatted(end, tokenizer.decode(end))));
      if (text != null) {
        show(tokenizer);
      }
      return 0;
    }

    private void show(Tokenizer tokenizer) {
      int[] tokens = encode(tokenizer);
      System.out.printf(
          "%n%s%n",
          Arrays.stream(tokens).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
      System.out.printf(
          "%s%n",
          Arrays.stream(tokens)
              .mapToObj(token -> tokenizer.decode(token).replace("\n", "\\n"))
              .collect(Collectors.joining("|")));
    }

    private int[] encode(Tokenizer tokenizer) {
      try {
        TokenEncoder encoder = special ? tokenizer.specialEncoder() : tokenizer.encoder();
        return IntStream.concat(
                Arrays.stream(encoder.accept(text)), Arrays.stream(encoder.finish()))
            .toArray();
      } catch (UnknownCharacterException e) {
        throw new CommandException("--text: " + e.getMessage(), e);
      }
    }

    private static void line(String name, String value) {
      System.out.printf("%-10s %s%n", name, value);
    }
  }
}
