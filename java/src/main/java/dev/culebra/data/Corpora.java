package dev.culebra.data;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Opens data by name or path:
 *
 * <ul>
 *   <li>a {@link NamedCorpus}: {@code dickens};
 *   <li>a user-defined dataset, if there are any ({@link #with}): {@code addition};
 *   <li>a text file, or a directory of them ({@link TextFiles}), or documents in a file whose name
 *       ends in {@code .jsonl} (one {@code {"text": …}} per line); any may be packed by gzip;
 *   <li>a token file, whose name ends in {@code .bin} ({@link TokenFile}), or a directory with
 *       {@code train.bin} and {@code val.bin}, or with shards such as {@code x_train_000001.bin}
 *       and {@code x_val_000000.bin}. Their tokenizer is in {@code tokenizer.json} in the same
 *       directory, or nanoGPT's {@code meta.pkl}; without these files it is the byte pairs asked
 *       for, or GPT-2's;
 *   <li>questions with answers ({@link PromptPairs}), or conversations of several turns ({@link
 *       Conversations}), in a file whose name ends in {@code .jsonl}.
 * </ul>
 *
 * A name takes precedence over a file with that name; {@code ./dickens} is the file. A path may be
 * a pattern for several files, such as {@code fineweb/*_train_*.bin}. Immutable and thread-safe.
 */
public final class Corpora {
  private final Path cache;
  private final List<NamedDatasets> made;

  /** Keeps downloads in {@code cache}, which need not exist yet. */
  public Corpora(Path cache) {
    this(cache, List.of());
  }

  private Corpora(Path cache, List<NamedDatasets> made) {
    this.cache = cache;
    this.made = made;
  }

  /** A copy that also knows user-defined datasets by name. */
  public Corpora with(NamedDatasets more) {
    return new Corpora(cache, Stream.concat(made.stream(), Stream.of(more)).toList());
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

  /** The meaning of a name. */
  private sealed interface Found {
    record Text(TextSource source) implements Found {}

    record TokenFiles(TokenPaths paths) implements Found {}
  }

  /** Data, and other data for validation where there is some; else null. */
  private record Sources(DataSpec spec, Found data, Found validation) {}

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
   * @throws IOException if it cannot be read, or the tokenizer cannot
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
    Dataset own = made(spec.data()).orElse(null);
    if (own != null) {
      return withUsualPart(own, spec);
    }
    if (isConversations(spec.data())) {
      requireUsual(spec.data(), spec.holdout());
      return Conversations.open(Path.of(spec.data()), tokenizer);
    }
    return isPromptPairs(spec)
        ? PromptPairs.open(Path.of(spec.data()), tokenizer, spec.holdout())
        : open(spec, tokenizer);
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
    Dataset own = made(spec.data()).orElse(null);
    if (own != null) {
      return withTokenizer(withUsualPart(own, spec), tokenizer);
    }
    if (isConversations(spec.data())) {
      requireUsual(spec.data(), spec.holdout());
      return Conversations.open(Path.of(spec.data()), tokenizer);
    }
    if (isPromptPairs(spec)) {
      return PromptPairs.open(Path.of(spec.data()), tokenizer, spec.holdout());
    }
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
      case Found.Text text ->
          Corpus.fromText(
              known(text.source(), spec, tokenizer), tokenizer, holdout, spec.special());
      case Found.TokenFiles tokens when tokens.paths().divided() ->
          Corpus.fromTokenFiles(withUsualPart(tokens.paths().complete(), holdout), tokenizer);
      case Found.TokenFiles tokens ->
          Corpus.fromTokenFiles(spec.data(), tokens.paths().train(), tokenizer, holdout);
    };
  }

  /** All tokens of data that is for one part alone; files whose names say so are for that part. */
  private static Tokens all(Found data, DataSpec spec, Split part, Tokenizer tokenizer)
      throws IOException {
    return switch (data) {
      case Found.Text text ->
          Corpus.encodeAll(known(text.source(), spec, tokenizer), tokenizer, spec);
      case Found.TokenFiles tokens -> {
        List<Path> files =
            part == Split.TRAIN ? tokens.paths().forTraining() : tokens.paths().forValidation();
        yield TokenFile.open(Corpus.nameOf(files), files, tokenizer.vocab());
      }
    };
  }

  private static int fileCount(Found data) {
    return switch (data) {
      case Found.Text text -> text.source().fileCount();
      case Found.TokenFiles tokens -> tokens.paths().train().size();
    };
  }

  /** A text without what a model does not know, where that is wanted. */
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

  private Optional<Dataset> made(String data) {
    return made.stream().flatMap(datasets -> datasets.find(data).stream()).findFirst();
  }

  private boolean isMade(String data) {
    try (Dataset own = made(data).orElse(null)) {
      return own != null;
    }
  }

  /** A name for {@code data} that works from any working directory. */
  public String settled(String data) {
    if (NamedCorpus.find(data).isPresent()) {
      return data;
    }
    try (Dataset own = made(data).orElse(null)) {
      return own == null ? Path.of(data).toAbsolutePath().normalize().toString() : own.name();
    }
  }

  private static void requireTokenizer(Found found, String data, Tokenizer tokenizer)
      throws IOException {
    if (found instanceof Found.TokenFiles tokens) {
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
   * @throws DataException if there is no such text, or only tokens
   * @throws IOException if it cannot be read
   */
  public TextSource text(String data) throws IOException {
    return text(find(data, Holdout.DEFAULT), data);
  }

  private static TextSource text(Found found, String data) {
    if (found instanceof Found.Text text) {
      return text.source();
    }
    throw new DataException(data + " holds tokens, not text");
  }

  /** Whether {@code data} names token files. */
  public boolean isTokens(String data) throws IOException {
    return made(data).isEmpty() && find(data, Holdout.DEFAULT) instanceof Found.TokenFiles;
  }

  /**
   * The chosen tokenizer; a character tokenizer gets the characters of {@code text}, which is then
   * read once.
   *
   * @throws DataException if the text is empty
   * @throws IOException if it cannot be read, or the tokenizer cannot
   */
  public static Tokenizer tokenizer(TokenizerChoice choice, TextSource text) throws IOException {
    Tokenizer tokenizer = choice.open().orElse(null);
    return tokenizer == null ? characters(List.of(text)) : tokenizer;
  }

  private static Tokenizer tokenizer(Sources sources, TokenizerChoice choice) throws IOException {
    if (sources.data() instanceof Found.TokenFiles tokens) {
      return tokens.paths().tokenizer(choice.path() == null ? null : choice.open().orElseThrow());
    }
    Tokenizer tokenizer = choice.open().orElse(null);
    return tokenizer == null ? characters(texts(sources)) : tokenizer;
  }

  private static List<TextSource> texts(Sources sources) {
    return Stream.of(sources.data(), sources.validation())
        .filter(Found.Text.class::isInstance)
        .map(text -> ((Found.Text) text).source())
        .toList();
  }

  /**
   * The characters of a text, or of questions with their answers; and of those for validation.
   *
   * @throws DataException if there is no such data, or only tokens
   * @throws IOException if it cannot be read
   */
  public CharTokenizer characters(DataSpec spec) throws IOException {
    if (isConversations(spec.data())) {
      return Conversations.characters(Path.of(spec.data()));
    }
    if (isPromptPairs(spec)) {
      return PromptPairs.characters(Path.of(spec.data()), spec.holdout());
    }
    Sources sources = sources(spec);
    text(sources.data(), spec.data()); // or there are none
    return characters(texts(sources));
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

  /** Whether data is a file of {@link Conversations}, by its name and its first line. */
  private static boolean isConversations(String data) throws IOException {
    return JsonTexts.isCalledOne(Path.of(data))
        && Files.isRegularFile(Path.of(data))
        && PromptLines.isOfConversations(Path.of(data));
  }

  /**
   * Whether data is a file of {@link PromptPairs}: by its name, and because its first line is not a
   * document of {@link JsonTexts}.
   *
   * @throws DataException if other data for validation is none, or the other way round
   * @throws IOException if it cannot be read
   */
  private static boolean isPromptPairs(DataSpec spec) throws IOException {
    boolean pairs = isPromptPairs(spec.data());
    String other = spec.holdout().data();
    if (spec.holdout().isOtherData() && isPromptPairs(other) != pairs) {
      throw new DataException(
          "%s is a .jsonl of prompts, %s is not: both must be"
              .formatted(pairs ? spec.data() : other, pairs ? other : spec.data()));
    }
    return pairs;
  }

  private static boolean isPromptPairs(String data) throws IOException {
    Path path = Path.of(data);
    return JsonTexts.isCalledOne(path) && Files.isRegularFile(path) && !JsonTexts.isOne(path);
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
    return !isConversations(data) && !isPromptPairs(data) && !isMade(data);
  }

  private Sources sources(DataSpec spec) throws IOException {
    Holdout holdout = spec.holdout();
    Found data = find(spec.data(), holdout);
    return new Sources(spec, data, holdout.isOtherData() ? find(holdout.data(), holdout) : null);
  }

  private Found find(String data, Holdout holdout) throws IOException {
    NamedCorpus named = NamedCorpus.find(data).orElse(null);
    if (named != null) {
      return new Found.Text(named.text(cache));
    }
    if (isMade(data)) {
      throw new DataException(data + " is made on the fly: there is no text of it");
    }
    boolean asBefore = holdout.rule() == Holdout.Rule.END;
    Path path = Path.of(data);
    if (Glob.isOne(path)) {
      return several(data, Glob.expand(path), asBefore);
    }
    if (!Files.exists(path)) {
      throw new DataException(
          "no such data: %s is neither a file nor one of %s".formatted(data, names()));
    }
    if (Files.isDirectory(path)) {
      TokenPaths tokens = TokenPaths.in(path, !asBefore).orElse(null);
      return tokens == null ? texts(data, List.of(path), asBefore) : new Found.TokenFiles(tokens);
    }
    return isTokenFile(path)
        ? new Found.TokenFiles(TokenPaths.of(path))
        : texts(data, List.of(path), asBefore);
  }

  private static Found several(String name, List<Path> paths, boolean asBefore) throws IOException {
    long tokenFiles = paths.stream().filter(Corpora::isTokenFile).count();
    if (tokenFiles > 0 && tokenFiles < paths.size()) {
      throw new DataException(
          "%s matches token files and other files: name one kind of them".formatted(name));
    }
    return tokenFiles == 0
        ? texts(name, paths, asBefore)
        : new Found.TokenFiles(TokenPaths.of(name, paths));
  }

  private static Found texts(String name, List<Path> paths, boolean asBefore) throws IOException {
    return new Found.Text(TextFiles.of(name, paths, asBefore));
  }

  private static boolean isTokenFile(Path path) {
    return path.toString().toLowerCase(Locale.ROOT).endsWith(TokenPaths.ENDING);
  }

  private String names() {
    Stream<String> texts = Arrays.stream(NamedCorpus.values()).map(NamedCorpus::label);
    Stream<String> others = made.stream().flatMap(datasets -> datasets.names().stream());
    return Stream.concat(texts, others).collect(Collectors.joining(", "));
  }
}
