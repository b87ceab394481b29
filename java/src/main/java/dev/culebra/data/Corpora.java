package dev.culebra.data;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Opens what a user names as data:
 *
 * <ul>
 *   <li>a {@link NamedCorpus}: {@code dickens};
 *   <li>a dataset of the program's own, where it has some ({@link #with}): {@code addition};
 *   <li>a text file, or a directory of them ({@link TextFiles}), or documents in a file whose name
 *       ends in {@code .jsonl} ({@code {"text": …}} a line);
 *   <li>a token file, whose name ends in {@code .bin} ({@link TokenFile}), or a directory with
 *       {@code train.bin} and {@code val.bin}. Their tokenizer is in {@code tokenizer.json} in the
 *       same directory; without that file it is GPT-2's;
 *   <li>questions with answers ({@link PromptPairs}), or conversations of several turns ({@link
 *       Conversations}), in a file whose name ends in {@code .jsonl}.
 * </ul>
 *
 * A name wins over a file of that name; {@code ./dickens} is the file. Immutable and thread-safe.
 */
public final class Corpora {
  static final String TRAIN_FILE = "train.bin";
  static final String VALIDATION_FILE = "val.bin";

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

  /** The same, and datasets of a program's own by their names. */
  public Corpora with(NamedDatasets more) {
    return new Corpora(cache, Stream.concat(made.stream(), Stream.of(more)).toList());
  }

  /**
   * Keeps downloads where the user's other programs do: {@code $XDG_CACHE_HOME/culebra}, or {@code
   * ~/.cache/culebra}.
   */
  public static Corpora ofUser() {
    return new Corpora(cacheDirectory(System.getenv(), System.getProperty("user.home")));
  }

  static Path cacheDirectory(Map<String, String> environment, String home) {
    String base = environment.getOrDefault("XDG_CACHE_HOME", "");
    // The XDG base directory specification: a relative path is to be ignored.
    Path caches = Path.of(base).isAbsolute() ? Path.of(base) : Path.of(home, ".cache");
    return caches.resolve("culebra");
  }

  /** What a name stands for. */
  private sealed interface Found {
    record Text(TextSource source) implements Found {}

    record TokenDirectory(Path directory) implements Found {}

    record SingleTokenFile(Path file) implements Found {}
  }

  /**
   * Opens data for a new model. Text gets a tokenizer of the kind asked for, characters with the
   * vocabulary of this text; token files have their own.
   *
   * @throws DataException if there is no such data or it cannot be used
   * @throws IOException if it cannot be read
   */
  public Corpus open(String data, TokenizerKind kind) throws IOException {
    return open(data, TokenizerChoice.of(kind));
  }

  /**
   * Opens data for a new model. Text gets the tokenizer asked for, characters with the vocabulary
   * of this text; token files have their own.
   *
   * @throws DataException if there is no such data or it cannot be used
   * @throws IOException if it cannot be read, or the tokenizer cannot
   */
  public Corpus open(String data, TokenizerChoice tokenizer) throws IOException {
    return switch (find(data)) {
      case Found.Text text -> Corpus.fromText(text.source(), tokenizer(tokenizer, text.source()));
      case Found.TokenDirectory tokens -> open(tokens.directory());
      case Found.SingleTokenFile tokens -> openFile(tokens.file());
    };
  }

  /**
   * {@link #open(String, TokenizerChoice)}, a dataset of the program's own, or questions with
   * answers or conversations ({@link PromptPairs}, {@link Conversations}).
   *
   * @throws DataException if there is no such data or it cannot be used
   * @throws IOException if it cannot be read
   */
  public Dataset dataset(String data, TokenizerChoice tokenizer) throws IOException {
    Dataset own = made(data).orElse(null);
    if (own != null) {
      return own;
    }
    if (isConversations(data)) {
      return Conversations.open(Path.of(data), tokenizer);
    }
    return isPromptPairs(data) ? PromptPairs.open(Path.of(data), tokenizer) : open(data, tokenizer);
  }

  /**
   * The same for a model that has a tokenizer already.
   *
   * @param skipUnknown whether characters of a text that the tokenizer does not know are left out
   * @throws DataException if there is no such data, it cannot be used, or has another tokenizer; if
   *     a text has characters that the tokenizer does not know, it names them all and its cause is
   *     an {@link UnknownCharacterException}
   * @throws IOException if it cannot be read
   */
  public Dataset dataset(String data, Tokenizer tokenizer, boolean skipUnknown) throws IOException {
    Dataset own = made(data).orElse(null);
    if (own != null) {
      return withTokenizer(own, tokenizer);
    }
    if (isConversations(data)) {
      return Conversations.open(Path.of(data), tokenizer);
    }
    if (isPromptPairs(data)) {
      return PromptPairs.open(Path.of(data), tokenizer);
    }
    if (skipUnknown
        && tokenizer instanceof CharTokenizer characters
        && find(data) instanceof Found.Text text) {
      return Corpus.fromKnownCharacters(text.source(), characters);
    }
    try {
      return open(data, tokenizer);
    } catch (DataException e) {
      if (e.getCause() instanceof UnknownCharacterException unknown
          && tokenizer instanceof CharTokenizer characters) {
        throw new DataException(
            "%s; it does not know %s"
                .formatted(e.getMessage(), unknownCharacters(data, characters)),
            unknown);
      }
      throw e;
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

  /** The name under which {@code data} is found again from any working directory. */
  public String settled(String data) {
    if (NamedCorpus.find(data).isPresent()) {
      return data;
    }
    try (Dataset own = made(data).orElse(null)) {
      return own == null ? Path.of(data).toAbsolutePath().normalize().toString() : own.name();
    }
  }

  /**
   * Opens data for a model that has a tokenizer already.
   *
   * @throws DataException if there is no such data, it cannot be used, or has another tokenizer
   * @throws IOException if it cannot be read
   */
  public Corpus open(String data, Tokenizer tokenizer) throws IOException {
    Corpus corpus =
        switch (find(data)) {
          case Found.Text text -> Corpus.fromText(text.source(), tokenizer);
          case Found.TokenDirectory tokens -> open(tokens.directory());
          case Found.SingleTokenFile tokens -> openFile(tokens.file());
        };
    if (!corpus.tokenizer().equals(tokenizer)) {
      corpus.close();
      throw new DataException(
          "the tokens in %s were made by tokenizer %s, but the model has another, %s"
              .formatted(data, corpus.tokenizer(), tokenizer));
    }
    return corpus;
  }

  /**
   * The text that {@code data} names.
   *
   * @throws DataException if there is no such text, or there are only tokens
   * @throws IOException if it cannot be read
   */
  public TextSource text(String data) throws IOException {
    if (find(data) instanceof Found.Text text) {
      return text.source();
    }
    throw new DataException(data + " holds tokens, not text");
  }

  /**
   * The tokenizer asked for; characters are those of {@code text}, which is then read once.
   *
   * @throws DataException if the text is empty
   * @throws IOException if it cannot be read, or the tokenizer cannot
   */
  public static Tokenizer tokenizer(TokenizerChoice choice, TextSource text) throws IOException {
    Tokenizer tokenizer = choice.open().orElse(null);
    if (tokenizer != null) {
      return tokenizer;
    }
    return characters(text);
  }

  /**
   * The characters of a text, or of questions with their answers.
   *
   * @throws DataException if there is no such data, or only tokens
   * @throws IOException if it cannot be read
   */
  public CharTokenizer characters(String data) throws IOException {
    if (isConversations(data)) {
      return Conversations.characters(Path.of(data));
    }
    return isPromptPairs(data) ? PromptPairs.characters(Path.of(data)) : characters(text(data));
  }

  private static CharTokenizer characters(TextSource text) throws IOException {
    CharTokenizer.Builder characters = new CharTokenizer.Builder();
    text.read(characters::add);
    if (characters.isEmpty()) {
      throw new DataException(text.name() + " is empty");
    }
    return characters.build();
  }

  /** Whether data is a file of {@link Conversations}, by its name and its first line. */
  private static boolean isConversations(String data) throws IOException {
    return endsWith(data, PromptPairs.ENDING)
        && Files.isRegularFile(Path.of(data))
        && PromptLines.isOfConversations(Path.of(data));
  }

  /**
   * Whether data is a file of {@link PromptPairs}: by its name, and because its first line is not a
   * document of {@link JsonTexts}.
   *
   * @throws IOException if it cannot be read
   */
  private static boolean isPromptPairs(String data) throws IOException {
    return endsWith(data, PromptPairs.ENDING)
        && Files.isRegularFile(Path.of(data))
        && !JsonTexts.isOne(Path.of(data));
  }

  /** The characters of a text that a tokenizer does not know, how often each occurs. */
  private String unknownCharacters(String data, CharTokenizer tokenizer) throws IOException {
    KnownCharacters known = new KnownCharacters(text(data), tokenizer);
    known.read(piece -> {});
    return known.leftOut();
  }

  /**
   * Whether {@code data} is still of use without some of its characters: an answer would not be.
   *
   * @throws IOException if it cannot be read
   */
  public boolean canLeaveOutCharacters(String data) throws IOException {
    return !isConversations(data) && !isPromptPairs(data) && !isMade(data);
  }

  private Found find(String data) throws IOException {
    NamedCorpus named = NamedCorpus.find(data).orElse(null);
    if (named != null) {
      return new Found.Text(named.text(cache));
    }
    if (isMade(data)) {
      throw new DataException(data + " is made on the fly: there is no text of it");
    }
    Path path = Path.of(data);
    if (!Files.exists(path)) {
      throw new DataException(
          "no such data: %s is neither a file nor one of %s".formatted(data, names()));
    }
    if (Files.isDirectory(path)) {
      return isTokenDirectory(path)
          ? new Found.TokenDirectory(path)
          : new Found.Text(TextFiles.of(path));
    }
    return endsWith(data, ".bin")
        ? new Found.SingleTokenFile(path)
        : new Found.Text(TextFiles.of(path));
  }

  /** In capitals or not. */
  private static boolean endsWith(String name, String ending) {
    return name.toLowerCase(Locale.ROOT).endsWith(ending);
  }

  private String names() {
    Stream<String> texts = Arrays.stream(NamedCorpus.values()).map(NamedCorpus::label);
    Stream<String> others = made.stream().flatMap(datasets -> datasets.names().stream());
    return Stream.concat(texts, others).collect(Collectors.joining(", "));
  }

  private static boolean isTokenDirectory(Path directory) {
    boolean train = Files.exists(directory.resolve(TRAIN_FILE));
    boolean validation = Files.exists(directory.resolve(VALIDATION_FILE));
    if (train != validation) {
      throw new DataException(
          "%s holds only one of %s and %s".formatted(directory, TRAIN_FILE, VALIDATION_FILE));
    }
    return train;
  }

  private static Corpus open(Path directory) throws IOException {
    return Corpus.fromTokenFiles(
        directory.toString(),
        directory.resolve(TRAIN_FILE),
        directory.resolve(VALIDATION_FILE),
        tokenizerIn(directory));
  }

  private static Corpus openFile(Path file) throws IOException {
    return Corpus.fromTokenFile(file, tokenizerIn(file.toAbsolutePath().getParent()));
  }

  private static Tokenizer tokenizerIn(Path directory) throws IOException {
    Path file = directory.resolve(TokenizerFile.NAME);
    return Files.exists(file) ? TokenizerFile.load(file) : new Gpt2Tokenizer();
  }
}
