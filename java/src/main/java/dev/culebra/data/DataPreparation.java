package dev.culebra.data;

import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Encodes texts into token files: {@code train.bin} and {@code val.bin} in nanoGPT's format, next
 * to {@code tokenizer.json}. Texts and tokens are streamed, so their size is limited only by the
 * disk.
 */
public final class DataPreparation {
  private DataPreparation() {}

  /**
   * The result.
   *
   * @param trainTokens tokens in {@code train.bin}
   * @param validationTokens tokens in {@code val.bin}
   * @param tokenizer their tokenizer
   */
  public record Result(long trainTokens, long validationTokens, Tokenizer tokenizer) {}

  /**
   * Prepares text files or directories ({@link TextFiles}) with the given tokenizer; a character
   * tokenizer gets the vocabulary of these texts.
   *
   * @throws DataException if a text is missing, empty or not UTF-8
   * @throws IOException if something cannot be read or written; each file is then complete or
   *     unchanged
   */
  public static Result prepare(List<Path> texts, TokenizerChoice choice, Path directory)
      throws IOException {
    TextSource text = TextFiles.of(texts);
    Tokenizer tokenizer = Corpora.tokenizer(choice, text);
    return prepare(text, tokenizer, Holdout.DEFAULT, false, directory);
  }

  /**
   * Prepares {@code text} with {@code tokenizer} into {@code directory}, which is created if
   * necessary. The tokenizer's end of text separates documents.
   *
   * @param holdout which part is for validation; not other data
   * @param special whether the text of special tokens, such as {@code <|endoftext|>}, becomes those
   *     tokens
   * @throws DataException if the text is too short to divide, not UTF-8, or holds a character that
   *     the tokenizer does not know
   * @throws IOException if something cannot be read or written; each file is then complete or
   *     unchanged
   */
  public static Result prepare(
      TextSource text, Tokenizer tokenizer, Holdout holdout, boolean special, Path directory)
      throws IOException {
    boolean isNew = !Files.exists(directory);
    create(directory);
    Writing writing = new Writing(text, tokenizer, holdout, special, directory);
    boolean written = false;
    try {
      AtomicFile.write(directory.resolve(TokenPaths.TRAIN_FILE), writing::writeBoth);
      written = true;
    } finally {
      if (!written && isNew) {
        deleteIfEmpty(directory);
      }
    }
    return new Result(writing.trainTokens, writing.validationTokens, tokenizer);
  }

  /** Whether {@code directory} has files that {@link #prepare} would replace. */
  public static boolean isPrepared(Path directory) {
    return Files.exists(directory.resolve(TokenPaths.TRAIN_FILE))
        || Files.exists(directory.resolve(TokenPaths.VALIDATION_FILE))
        || Files.exists(directory.resolve(TokenizerFile.NAME));
  }

  private static void deleteIfEmpty(Path directory) {
    try {
      Files.delete(directory);
    } catch (IOException e) {
      // not empty, or not deletable: the original error is what matters
    }
  }

  private static void create(Path directory) throws IOException {
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new IOException("cannot make " + directory + ": " + FileErrors.reason(e), e);
    }
  }

  /**
   * Both files are written at once, since all tokens of a text go to the training file first. An
   * older training file is deleted before the first file is replaced, and the new one appears last:
   * a directory with a training file is complete.
   */
  private static final class Writing {
    private final TextSource text;
    private final Tokenizer tokenizer;
    private final Holdout holdout;
    private final boolean special;
    private final Path directory;
    private long trainTokens;
    private long validationTokens;

    Writing(
        TextSource text, Tokenizer tokenizer, Holdout holdout, boolean special, Path directory) {
      this.text = text;
      this.tokenizer = tokenizer;
      this.holdout = holdout;
      this.special = special;
      this.directory = directory;
    }

    void writeBoth(FileChannel train) throws IOException {
      AtomicFile.write(
          directory.resolve(TokenPaths.VALIDATION_FILE), validation -> encode(train, validation));
    }

    private void encode(FileChannel trainChannel, FileChannel validationChannel)
        throws IOException {
      try (TokenFileWriter train = new TokenFileWriter(trainChannel, tokenizer.vocab());
          TokenFileWriter validation = new TokenFileWriter(validationChannel, tokenizer.vocab())) {
        Corpus.encode(text, new SplitEncoder(tokenizer, special, holdout, train, validation));
        trainTokens = train.size();
        validationTokens = validation.size();
      }
      if (trainTokens == 0 || validationTokens == 0) {
        throw new DataException(
            "%s has %d tokens: too few to divide into two parts"
                .formatted(text.name(), trainTokens + validationTokens));
      }
      Files.deleteIfExists(directory.resolve(TokenPaths.TRAIN_FILE));
      TokenizerFile.save(tokenizer, directory.resolve(TokenizerFile.NAME));
    }
  }
}
