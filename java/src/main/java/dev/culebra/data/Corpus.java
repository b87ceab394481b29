package dev.culebra.data;

import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Tokens for training and for validation, with their tokenizer. It owns the tokens and must be
 * closed. {@link Corpora} opens one by name or path.
 */
public final class Corpus implements Dataset {
  private static final long MEASURED = 1 << 20;

  private final String name;
  private final Tokenizer tokenizer;
  private final Tokens train;
  private final Tokens validation;

  /** All of it, in as few pieces as possible. */
  private final List<Tokens> whole;

  private final List<Tokens> owned;

  /** The number of its files, and which part of them is for validation, in words. */
  private final Origin origin;

  /**
   * Where a corpus comes from.
   *
   * @param files how many
   * @param validation which part of it is for validation
   * @param leftOut characters that were left out; empty if there are none
   */
  private record Origin(int files, String validation, String leftOut) {}

  private Corpus(
      String name,
      Tokenizer tokenizer,
      Tokens train,
      Tokens validation,
      List<Tokens> whole,
      List<Tokens> owned,
      Origin origin) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.train = train;
    this.validation = validation;
    this.whole = whole;
    this.owned = owned;
    this.origin = origin;
  }

  /**
   * Encodes a text, with the tokenizer's end of text between documents; the last tenth of every
   * file is for validation.
   *
   * @throws DataException if the text is empty, not UTF-8 or holds a character that the tokenizer
   *     does not know
   * @throws IOException if it cannot be read
   */
  public static Corpus fromText(TextSource text, Tokenizer tokenizer) throws IOException {
    return fromText(text, tokenizer, Holdout.DEFAULT, false);
  }

  /**
   * Encodes a text, its documents with the tokenizer's end of text between them.
   *
   * @param holdout which part of it is for validation; not other data
   * @param special whether special tokens are recognised in the text
   * @throws DataException if the text is empty, not UTF-8 or holds a character that the tokenizer
   *     does not know
   * @throws IOException if it cannot be read
   */
  public static Corpus fromText(
      TextSource text, Tokenizer tokenizer, Holdout holdout, boolean special) throws IOException {
    String name = text.name();
    try (TokenCollector train = new TokenCollector(name + " (training part)", tokenizer.vocab());
        TokenCollector validation =
            new TokenCollector(name + " (validation part)", tokenizer.vocab())) {
      SplitEncoder encoder = new SplitEncoder(tokenizer, special, holdout, train, validation);
      encode(text, encoder);
      if (train.size() + validation.size() == 0) {
        throw new DataException(name + " is empty");
      }
      if (holdout.rule() == Holdout.Rule.DOCUMENTS
          && (train.size() == 0 || validation.size() == 0)) {
        throw new DataException(
            "%s: too few documents to hold out %s: %d"
                .formatted(name, holdout.describe(text.fileCount()), encoder.units()));
      }
      List<Tokens> parts = List.of(train.finish(), validation.finish());
      Tokens first = parts.getFirst();
      Tokens rest = parts.getLast();
      String leftOut = text instanceof KnownCharacters known ? known.leftOut() : "";
      return new Corpus(
          name,
          tokenizer,
          first,
          rest,
          encoder.units() == 1 ? List.of(first.then(rest)) : parts,
          parts,
          new Origin(text.fileCount(), holdout.describe(text.fileCount()), leftOut));
    }
  }

  /**
   * Encodes all of a text, of which nothing is held out: its spec's validation part is other data.
   */
  static Tokens encodeAll(TextSource text, Tokenizer tokenizer, DataSpec spec) throws IOException {
    try (TokenCollector all = new TokenCollector(text.name(), tokenizer.vocab());
        TokenCollector none = new TokenCollector(text.name(), tokenizer.vocab())) {
      encode(text, new SplitEncoder(tokenizer, spec.special(), spec.holdout(), all, none));
      if (all.size() == 0) {
        throw new DataException(text.name() + " is empty");
      }
      return all.finish();
    }
  }

  /** Passes a text to {@code encoder}, from beginning to end. */
  static void encode(TextSource text, SplitEncoder encoder) throws IOException {
    try {
      text.read(encoder);
      encoder.finish();
    } catch (UnknownCharacterException e) {
      throw new DataException(text.name() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Maps one token file; the last tenth is for validation.
   *
   * @throws DataException if it is not a token file
   * @throws IOException if it cannot be read
   */
  public static Corpus fromTokenFile(Path file, Tokenizer tokenizer) throws IOException {
    return fromTokenFiles(file.toString(), List.of(file), tokenizer, Holdout.DEFAULT);
  }

  /**
   * Maps token files, a part of which is for validation.
   *
   * @param holdout the part: neither documents nor other data
   * @throws DataException if one is not a token file
   * @throws IOException if one cannot be read
   */
  public static Corpus fromTokenFiles(
      String name, List<Path> files, Tokenizer tokenizer, Holdout holdout) throws IOException {
    if (holdout.rule() == Holdout.Rule.DOCUMENTS) {
      throw new DataException(
          name + " holds tokens, which do not say where documents end: none can be held out whole");
    }
    Tokens all = TokenFile.open(name, files, tokenizer.vocab());
    String train = name + " (training part)";
    String validation = name + " (validation part)";
    long end = holdout.kept(all.size());
    boolean ofAll = holdout.rule() == Holdout.Rule.END;
    return new Corpus(
        name,
        tokenizer,
        ofAll ? all.slice(train, 0, end) : all.ofEachFile(train, holdout::kept, true),
        ofAll
            ? all.slice(validation, end, all.size())
            : all.ofEachFile(validation, holdout::kept, false),
        List.of(all),
        List.of(all),
        new Origin(files.size(), holdout.describe(files.size()), ""));
  }

  /**
   * Maps a token file for training and one for validation.
   *
   * @throws DataException if one is not a token file
   * @throws IOException if one cannot be read
   */
  public static Corpus fromTokenFiles(
      String name, Path trainFile, Path validationFile, Tokenizer tokenizer) throws IOException {
    return fromTokenFiles(
        new TokenPaths(name, List.of(trainFile), List.of(validationFile), true), tokenizer);
  }

  /** Maps the files of each part. */
  static Corpus fromTokenFiles(TokenPaths paths, Tokenizer tokenizer) throws IOException {
    String files =
        "%d file%s".formatted(paths.validation().size(), paths.validation().size() == 1 ? "" : "s");
    return of(
        paths.name(),
        tokenizer,
        () -> TokenFile.open(nameOf(paths.train()), paths.train(), tokenizer.vocab()),
        () -> TokenFile.open(nameOf(paths.validation()), paths.validation(), tokenizer.vocab()),
        new Origin(paths.count(), files, ""));
  }

  /** Of one file its path, of several the first's and how many more there are. */
  static String nameOf(List<Path> files) {
    return files.size() == 1
        ? files.getFirst().toString()
        : "%s and %d more".formatted(files.getFirst(), files.size() - 1);
  }

  /** Opens tokens. */
  @FunctionalInterface
  interface Part {
    Tokens open() throws IOException;
  }

  /**
   * Tokens to train on, and others to validate on.
   *
   * @param files of the training part
   * @param validationName which data the others are
   */
  static Corpus of(
      String name,
      Tokenizer tokenizer,
      Part train,
      Part validation,
      int files,
      String validationName)
      throws IOException {
    return of(name, tokenizer, train, validation, new Origin(files, validationName, ""));
  }

  private static Corpus of(
      String name, Tokenizer tokenizer, Part train, Part validation, Origin origin)
      throws IOException {
    Tokens first = train.open();
    try {
      List<Tokens> parts = List.of(first, validation.open());
      return new Corpus(name, tokenizer, first, parts.getLast(), parts, parts, origin);
    } catch (Throwable e) { // even an Error must leave nothing open
      first.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return name;
  }

  /** How many files it is in. */
  public int fileCount() {
    return origin.files;
  }

  /** Which part of it is for validation, in words: {@code the last 10 % of every file}. */
  public String validationPart() {
    return origin.validation;
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s: %s%,d training tokens, %,d validation tokens (%s), a vocabulary of %,d%s",
        name,
        origin.files == 1 ? "" : "%,d files, ".formatted(origin.files),
        train.size(),
        validation.size(),
        origin.validation,
        tokenizer.vocab(),
        origin.leftOut.isEmpty()
            ? ""
            : ", without what the model does not know: " + origin.leftOut);
  }

  @Override
  public Batches batches(Split split, long seed) {
    return new BatchSampler(this, split, seed);
  }

  /** A text drawn from the model. */
  @Override
  public Showcase showcase(Learner learner) {
    return new TextSample(tokenizer, learner);
  }

  /** The loss of all tokens of the validation part except the first. */
  @Override
  public Measurement measure(Learner learner) {
    return learner.loss(validation).of(name, Measurement.VALIDATION, bytes(validation));
  }

  /** The same of the training part too, in one piece where the text came in one. */
  @Override
  public Optional<Measurement> measureWhole(Learner learner) {
    MeanLoss loss = MeanLoss.of(whole.stream().map(learner::loss).toList());
    long bytes = whole.stream().mapToLong(this::bytes).sum();
    return Optional.of(loss.of(name, Measurement.WHOLE, bytes));
  }

  /** Of the text that is predicted. */
  private long bytes(Tokens tokens) {
    return TextBytes.of(tokens, 1, tokens.size(), tokenizer);
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  public Tokens train() {
    return train;
  }

  public Tokens validation() {
    return validation;
  }

  /** The average over at most the first {@value #MEASURED} tokens of the validation part. */
  @Override
  public OptionalDouble bytesPerToken() {
    long tokens = Math.min(validation.size(), MEASURED);
    return OptionalDouble.of(TextBytes.of(validation, 0, tokens, tokenizer) / (double) tokens);
  }

  @Override
  public Optional<DataChecksum> checksum() {
    return Optional.of(DataChecksum.of(train, validation));
  }

  /** The part for {@code split}. */
  public Tokens tokens(Split split) {
    return switch (split) {
      case TRAIN -> train;
      case VALIDATION -> validation;
    };
  }

  /**
   * Checks that each part has room for a context of {@code context} tokens and the token after it.
   *
   * @throws DataException if one does not, with the available and the needed number
   */
  @Override
  public void requireContext(int context) {
    train.requireContext(context);
    validation.requireContext(context);
  }

  /** Frees the tokens. Closing twice is harmless. */
  @Override
  public void close() {
    owned.forEach(Tokens::close);
  }
}
