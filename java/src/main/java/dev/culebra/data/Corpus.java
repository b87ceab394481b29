package dev.culebra.data;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Tokens to train on and tokens to validate on, with the tokenizer that made them. It owns both and
 * must be closed. {@link Corpora} opens one by name or path.
 */
public final class Corpus implements Dataset {
  private static final long MEASURED = 1 << 20;

  private final String name;
  private final Tokenizer tokenizer;
  private final Tokens train;
  private final Tokens validation;
  private final List<Tokens> owned;
  private String note = "";

  private Corpus(
      String name, Tokenizer tokenizer, Tokens train, Tokens validation, List<Tokens> owned) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.train = train;
    this.validation = validation;
    this.owned = owned;
  }

  /**
   * Encodes a text, its documents with the tokenizer's end of text between them; the first 90 % of
   * its tokens are for training, the rest for validation.
   *
   * @throws DataException if the text is empty, not UTF-8 or holds a character that the tokenizer
   *     does not know
   * @throws IOException if it cannot be read
   */
  public static Corpus fromText(TextSource text, Tokenizer tokenizer) throws IOException {
    try (TokenCollector collector = new TokenCollector(text.name(), tokenizer.vocab())) {
      DocumentEncoder encoder = new DocumentEncoder(tokenizer, false, collector::add);
      text.read(encoder);
      encoder.finish();
      return split(text.name(), tokenizer, collector.finish());
    } catch (UnknownCharacterException e) {
      throw new DataException(text.name() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Encodes a text without the characters that the tokenizer does not know.
   *
   * @throws DataException if nothing is left, or the text is not UTF-8
   * @throws IOException if it cannot be read
   */
  static Corpus fromKnownCharacters(TextSource text, CharTokenizer tokenizer) throws IOException {
    KnownCharacters known = new KnownCharacters(text, tokenizer);
    Corpus corpus = fromText(known, tokenizer);
    if (!known.leftOut().isEmpty()) {
      corpus.note = ", without what the model does not know: " + known.leftOut();
    }
    return corpus;
  }

  /**
   * Maps one token file; the first 90 % are for training, the rest for validation.
   *
   * @throws DataException if it is no token file
   * @throws IOException if it cannot be read
   */
  public static Corpus fromTokenFile(Path file, Tokenizer tokenizer) throws IOException {
    return split(file.toString(), tokenizer, TokenFile.open(file, tokenizer.vocab()));
  }

  /**
   * Maps a token file for training and one for validation.
   *
   * @throws DataException if one is no token file
   * @throws IOException if one cannot be read
   */
  public static Corpus fromTokenFiles(
      String name, Path trainFile, Path validationFile, Tokenizer tokenizer) throws IOException {
    Tokens train = TokenFile.open(trainFile, tokenizer.vocab());
    try {
      Tokens validation = TokenFile.open(validationFile, tokenizer.vocab());
      return new Corpus(name, tokenizer, train, validation, List.of(train, validation));
    } catch (Throwable e) { // an Error too must leave nothing open
      train.close();
      throw e;
    }
  }

  /** Takes over {@code all}. */
  private static Corpus split(String name, Tokenizer tokenizer, Tokens all) {
    if (all.size() == 0) {
      all.close();
      throw new DataException(name + " is empty");
    }
    long end = trainSize(all.size());
    return new Corpus(
        name,
        tokenizer,
        all.slice(name + " (training part)", 0, end),
        all.slice(name + " (validation part)", end, all.size()),
        List.of(all));
  }

  /** How many of {@code tokens} are for training: 90 %, rounded down. */
  static long trainSize(long tokens) {
    return tokens / 10 * 9 + tokens % 10 * 9 / 10;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s: %,d training tokens, a vocabulary of %,d%s",
        name,
        train.size(),
        tokenizer.vocab(),
        note);
  }

  @Override
  public Batches batches(Split split, long seed) {
    return new BatchSampler(this, split, seed);
  }

  /** Some text that the model draws. */
  @Override
  public Showcase showcase(Learner learner) {
    return new TextSample(tokenizer, learner);
  }

  /** The loss of every token of the validation part but the first. */
  @Override
  public Measurement measure(Learner learner) {
    return learner.loss(validation).of(name);
  }

  /** The same of the training part too, in one piece unless it came in two files. */
  @Override
  public Optional<Measurement> measureWhole(Learner learner) {
    MeanLoss loss = MeanLoss.of(owned.stream().map(learner::loss).toList());
    return Optional.of(loss.of(name, Measurement.WHOLE));
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

  /** On average over at most the first {@value #MEASURED} tokens of the validation part. */
  @Override
  public OptionalDouble bytesPerToken() {
    TokenDecoder decoder = tokenizer.decoder();
    long tokens = Math.min(validation.size(), MEASURED);
    long bytes = 0;
    for (long i = 0; i < tokens; i++) {
      bytes += utf8Bytes(decoder.accept(validation.token(i)));
    }
    return OptionalDouble.of((bytes + utf8Bytes(decoder.finish())) / (double) tokens);
  }

  private static int utf8Bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  /** The part for {@code split}. */
  public Tokens tokens(Split split) {
    return switch (split) {
      case TRAIN -> train;
      case VALIDATION -> validation;
    };
  }

  /**
   * Checks that each part holds a context of {@code context} tokens and the token after it.
   *
   * @throws DataException if one does not, with how many it has and how many are needed
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
