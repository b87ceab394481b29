package dev.culebra.data;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Opens data by name or path:
 *
 * <ul>
 *   <li>a {@link NamedCorpus}: {@code dickens};
 *   <li>a user-defined dataset, if there are any ({@link #with}): {@code addition};
 *   <li>a text file, or a directory of them ({@link TextFiles}), or documents in a file whose name
 *       ends in {@code .jsonl} (one {@code {"text": …}} per line); any may be compressed with gzip;
 *   <li>a token file, whose name ends in {@code .bin} ({@link TokenFile}), or a directory with
 *       {@code train.bin} and {@code val.bin}, or with shards such as {@code x_train_000001.bin}
 *       and {@code x_val_000000.bin}. Their tokenizer is in {@code tokenizer.json} in the same
 *       directory, or nanoGPT's {@code meta.pkl}; without either it is the chosen byte-pair
 *       tokenizer, or GPT-2's;
 *   <li>questions with answers ({@link PromptPairs}), or conversations of several turns ({@link
 *       Conversations}), in a file whose name ends in {@code .jsonl}.
 * </ul>
 *
 * A name takes precedence over a file with that name; {@code ./dickens} is the file. A path may be
 * a pattern for several files, such as {@code fineweb/*_train_*.bin}. Immutable and thread-safe.
 */
public final class Corpora {
  private final DataFinder finder;

  /** Keeps downloads in {@code cache}, which need not exist yet. */
  public Corpora(Path cache) {
    this(new DataFinder(cache, List.of()));
  }

  private Corpora(DataFinder finder) {
    this.finder = finder;
  }

  /** A copy that also knows user-defined datasets by name. */
  public Corpora with(NamedDatasets more) {
    return new Corpora(finder.with(more));
  }

  /**
   * Keeps downloads in the user's cache directory: {@code $XDG_CACHE_HOME/culebra}, or {@code
   * ~/.cache/culebra}.
   */
  public static Corpora ofUser() {
    return new Corpora(cacheDirectory(System.getenv(), System.getProperty("user.home")));
  }

  static Path cacheDirectory(Map<String, String> environment, String home) {
    String base = environment.getOrDefault("XDG_CACHE_HOME", "");
    // The XDG base directory specification: a relative path must be ignored.
    Path caches = Path.of(base).isAbsolute() ? Path.of(base) : Path.of(home, ".cache");
    return caches.resolve("culebra");
  }

  /** Data, and the other data to validate on; null if there is none. */
  private record Sources(DataSpec spec, FoundData data, FoundData validation) {}

  /**
   * Opens data for a new model. Text gets a tokenizer of the given kind, a character tokenizer with
   * the vocabulary of this text; token files have their own.
   *
   * @throws DataException if there is no such data or it cannot be used
   * @throws IOException if it cannot be read
   */
  public Corpus open(String data, TokenizerKind kind) throws IOException {
    return open(DataSpec.of(data), TokenizerChoice.of(kind));
  }

  /**
   * Opens data for a new model. Text gets the given tokenizer, a character tokenizer with the
   * vocabulary of this text; token files have their own.
   *
   * @throws DataException if there is no such data or it cannot be used
   * @throws IOException if it or the tokenizer cannot be read
   */
  public Corpus open(DataSpec spec, TokenizerChoice choice) throws IOException {
    Sources sources = sources(spec);
    return corpus(sources, tokenizer(sources, choice));
  }

  /**
   * Opens data for a model that has a tokenizer already.
   *
   * @throws DataException if there is no such data, it cannot be used, or has another tokenizer
   * @throws IOException if it cannot be read
   */
  public Corpus open(String data, Tokenizer tokenizer) throws IOException {
    return open(DataSpec.of(data), tokenizer);
  }

  /**
   * Opens data for a model that has a tokenizer already.
   *
   * @throws DataException if there is no such data, it cannot be used, or has another tokenizer
   * @throws IOException if it cannot be read
   */
  public Corpus open(DataSpec spec, Tokenizer tokenizer) throws IOException {
    return corpus(sources(spec), tokenizer);
  }

  /**
   * {@link #open(DataSpec, TokenizerChoice)}, a dataset of the program's own, or questions with
   * answers or conversations ({@link PromptPairs}, {@link Conversations}).
   *
   * @throws DataException if there is no such data or it cannot be used
   * @throws IOException if it cannot be read
   */
  public Dataset dataset(DataSpec spec, TokenizerChoice tokenizer) throws IOException {
    Dataset own = finder.made(spec.data()).orElse(null);
    if (own != null) {
      return withUsualPart(own, spec);
    }
    return switch (DataFinder.kind(spec)) {
      case CONVERSATIONS -> Conversations.open(Path.of(spec.data()), tokenizer, spec.holdout());
      case PAIRS -> PromptPairs.open(Path.of(spec.data()), tokenizer, spec.holdout());
      case TOKENS -> open(spec, tokenizer);
    };
  }

  /**
   * The same for a model that already has a tokenizer.
   *
   * @throws DataException if there is no such data, it cannot be used, or has another tokenizer; if
   *     a text has characters that the tokenizer does not know, it names them all and its cause is
   *     an {@link UnknownCharacterException}
   * @throws IOException if it cannot be read
   */
  public Dataset dataset(DataSpec spec, Tokenizer tokenizer) throws IOException {
    Dataset own = finder.made(spec.data()).orElse(null);
    if (own != null) {
      return withTokenizer(withUsualPart(own, spec), tokenizer);
    }
    return switch (DataFinder.kind(spec)) {
      case CONVERSATIONS -> Conversations.open(Path.of(spec.data()), tokenizer, spec.holdout());
      case PAIRS -> PromptPairs.open(Path.of(spec.data()), tokenizer, spec.holdout());
      case TOKENS -> known(spec, tokenizer);
    };
  }

  /** A text or tokens; the error for unknown characters names them all. */
  private Corpus known(DataSpec spec, Tokenizer tokenizer) throws IOException {
    Sources sources = sources(spec);
    try {
      return corpus(sources, tokenizer);
    } catch (DataException e) {
      if (e.getCause() instanceof UnknownCharacterException unknown
          && tokenizer instanceof CharTokenizer characters) {
        throw new DataException(
            "%s; it does not know %s"
                .formatted(e.getMessage(), unknownCharacters(sources, characters)),
            unknown);
      }
      throw e;
    }
  }

  private static Corpus corpus(Sources sources, Tokenizer tokenizer) throws IOException {
    DataSpec spec = sources.spec();
    Holdout holdout = spec.holdout();
    requireTokenizer(sources.data(), spec.data(), tokenizer);
    if (sources.validation() != null) {
      requireTokenizer(sources.validation(), holdout.data(), tokenizer);
      return Corpus.of(
          spec.data(),
          tokenizer,
          () -> all(sources.data(), spec, Split.TRAIN, tokenizer),
          () -> all(sources.validation(), spec, Split.VALIDATION, tokenizer),
          fileCount(sources.data()),
          holdout.data());
    }
    return switch (sources.data()) {
      case FoundData.Texts texts ->
          Corpus.fromText(
              known(texts.source(), spec, tokenizer), tokenizer, holdout, spec.special());
      case FoundData.TokenFiles tokens when tokens.paths().divided() ->
          Corpus.fromTokenFiles(withUsualPart(tokens.paths().complete(), holdout), tokenizer);
      case FoundData.TokenFiles tokens ->
          Corpus.fromTokenFiles(spec.data(), tokens.paths().train(), tokenizer, holdout);
    };
  }

  /** All tokens of data that is used for one part only; of token files, those named for it. */
  private static Tokens all(FoundData data, DataSpec spec, Split part, Tokenizer tokenizer)
      throws IOException {
    return switch (data) {
      case FoundData.Texts texts ->
          Corpus.encodeAll(known(texts.source(), spec, tokenizer), tokenizer, spec);
      case FoundData.TokenFiles tokens -> {
        List<Path> files =
            part == Split.TRAIN ? tokens.paths().forTraining() : tokens.paths().forValidation();
        yield TokenFile.open(Corpus.nameOf(files), files, tokenizer.vocab());
      }
    };
  }

  private static int fileCount(FoundData data) {
    return switch (data) {
      case FoundData.Texts texts -> texts.source().fileCount();
      case FoundData.TokenFiles tokens -> tokens.paths().train().size();
    };
  }

  /** The text, without unknown characters if these are to be skipped. */
  private static TextSource known(TextSource text, DataSpec spec, Tokenizer tokenizer) {
    return spec.skipUnknown() && tokenizer instanceof CharTokenizer characters
        ? new KnownCharacters(text, characters)
        : text;
  }

  private static TokenPaths withUsualPart(TokenPaths paths, Holdout holdout) {
    requireUsual(paths.name(), holdout);
    return paths;
  }

  private static Dataset withUsualPart(Dataset own, DataSpec spec) {
    try {
      requireUsual(own.name(), spec.holdout());
    } catch (DataException e) {
      own.close();
      throw e;
    }
    return own;
  }

  private static void requireUsual(String name, Holdout holdout) {
    if (!holdout.isUsual()) {
      throw new DataException(
          name + " has a validation part of its own: no other can be chosen for it");
    }
  }

  private static Dataset withTokenizer(Dataset own, Tokenizer tokenizer) {
    if (!own.tokenizer().equals(tokenizer)) {
      own.close();
      throw new DataException(
          "%s is written in other characters than the model reads".formatted(own.name()));
    }
    return own;
  }

  /** A name for {@code data} that works from any working directory. */
  public String settled(String data) {
    return finder.settled(data);
  }

  private static void requireTokenizer(FoundData found, String data, Tokenizer tokenizer)
      throws IOException {
    if (found instanceof FoundData.TokenFiles tokens) {
      Tokenizer theirs = tokens.paths().tokenizer(tokenizer);
      if (!theirs.equals(tokenizer)) {
        throw new DataException(
            "the tokens in %s were made by tokenizer %s, but the model has another, %s"
                .formatted(data, theirs, tokenizer));
      }
    }
  }

  /**
   * The text named by {@code data}.
   *
   * @throws DataException if there is no such text, or only tokens or answers
   * @throws IOException if it cannot be read
   */
  public TextSource text(String data) throws IOException {
    if (isAnswers(data)) {
      throw new DataException(data + " holds questions and answers, not text");
    }
    return text(finder.find(data, Holdout.DEFAULT), data);
  }

  private static TextSource text(FoundData found, String data) {
    if (found instanceof FoundData.Texts texts) {
      return texts.source();
    }
    throw new DataException(data + " holds tokens, not text");
  }

  /** Whether {@code data} names token files. */
  public boolean isTokens(String data) throws IOException {
    return !finder.isMade(data)
        && finder.find(data, Holdout.DEFAULT) instanceof FoundData.TokenFiles;
  }

  /**
   * The chosen tokenizer; a character tokenizer gets the characters of {@code text}, which is then
   * read once.
   *
   * @throws DataException if the text is empty
   * @throws IOException if it or the tokenizer cannot be read
   */
  public static Tokenizer tokenizer(TokenizerChoice choice, TextSource text) throws IOException {
    Tokenizer tokenizer = choice.open().orElse(null);
    return tokenizer == null ? characters(List.of(text)) : tokenizer;
  }

  private static Tokenizer tokenizer(Sources sources, TokenizerChoice choice) throws IOException {
    if (sources.data() instanceof FoundData.TokenFiles tokens) {
      return tokens.paths().tokenizer(choice.path() == null ? null : choice.open().orElseThrow());
    }
    Tokenizer tokenizer = choice.open().orElse(null);
    return tokenizer == null ? characters(texts(sources)) : tokenizer;
  }

  private static List<TextSource> texts(Sources sources) {
    return Stream.of(sources.data(), sources.validation())
        .filter(FoundData.Texts.class::isInstance)
        .map(found -> ((FoundData.Texts) found).source())
        .toList();
  }

  /**
   * The characters of a text, or of questions with their answers; and of those for validation.
   *
   * @throws DataException if there is no such data, or only tokens
   * @throws IOException if it cannot be read
   */
  public CharTokenizer characters(DataSpec spec) throws IOException {
    return switch (DataFinder.kind(spec)) {
      case CONVERSATIONS -> Conversations.characters(Path.of(spec.data()), spec.holdout());
      case PAIRS -> PromptPairs.characters(Path.of(spec.data()), spec.holdout());
      case TOKENS -> {
        Sources sources = sources(spec);
        text(sources.data(), spec.data()); // throws for token files
        yield characters(texts(sources));
      }
    };
  }

  private static CharTokenizer characters(List<TextSource> texts) throws IOException {
    CharTokenizer.Builder characters = new CharTokenizer.Builder();
    for (TextSource text : texts) {
      text.read(characters::add);
      if (characters.isEmpty()) {
        throw new DataException(text.name() + " is empty");
      }
    }
    return characters.build();
  }

  /** The characters of texts that a tokenizer does not know, how often each occurs. */
  private static String unknownCharacters(Sources sources, CharTokenizer tokenizer)
      throws IOException {
    List<String> unknown = new ArrayList<>();
    for (TextSource text : texts(sources)) {
      KnownCharacters known = new KnownCharacters(text, tokenizer);
      known.read(piece -> {});
      if (!known.leftOut().isEmpty()) {
        unknown.add(known.leftOut());
      }
    }
    return String.join(", ", unknown);
  }

  /**
   * Whether {@code data} is still useful without some of its characters; answers are not.
   *
   * @throws IOException if it cannot be read
   */
  public boolean canLeaveOutCharacters(String data) throws IOException {
    return !isAnswers(data) && !finder.isMade(data);
  }

  /**
   * Whether {@code data} is a file of {@link PromptPairs} or {@link Conversations}.
   *
   * @throws IOException if it cannot be read
   */
  public boolean isAnswers(String data) throws IOException {
    return DataFinder.kind(data) != DataKind.TOKENS;
  }

  private Sources sources(DataSpec spec) throws IOException {
    Holdout holdout = spec.holdout();
    FoundData data = finder.find(spec.data(), holdout);
    return new Sources(
        spec, data, holdout.isOtherData() ? finder.find(holdout.data(), holdout) : null);
  }
}
