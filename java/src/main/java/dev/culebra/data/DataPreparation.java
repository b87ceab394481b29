package dev.culebra.data;

import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Encodes texts once and for all: {@code train.bin} (the first 90 % of the tokens) and {@code
 * val.bin} (the rest) in nanoGPT's format, with {@code tokenizer.json} beside them. Texts and
 * tokens are streamed, so their size is limited by the disk only.
 */
public final class DataPreparation {
  private DataPreparation() {}

  /**
   * What was written.
   *
   * @param trainTokens tokens in {@code train.bin}
   * @param validationTokens tokens in {@code val.bin}
   * @param tokenizer what they were made by
   */
  public record Result(long trainTokens, long validationTokens, Tokenizer tokenizer) {}

  /**
   * Prepares text files or directories ({@link TextFiles}) with the tokenizer asked for; characters
   * get the vocabulary of these texts.
   *
   * @throws DataException if a text is missing, empty or not UTF-8
   * @throws IOException if something cannot be read or written; each file is whole or as it was
   */
  public static Result prepare(List<Path> texts, TokenizerChoice choice, Path directory)
      throws IOException {
    TextSource text = TextFiles.of(texts);
    return prepare(text, Corpora.tokenizer(choice, text), false, directory);
  }

  /**
   * Prepares {@code text} with {@code tokenizer} into {@code directory}, which is made if need be.
   * The tokenizer's end of text stands between documents.
   *
   * @param special whether what special tokens are written as, such as {@code <|endoftext|>} in the
   *     text, is those tokens
   * @throws DataException if the text is too short to divide, not UTF-8, or holds a character that
   *     the tokenizer does not know; also if the vocabulary does not fit into 16 bits
   * @throws IOException if something cannot be read or written; each file is whole or as it was
   */
  public static Result prepare(
      TextSource text, Tokenizer tokenizer, boolean special, Path directory) throws IOException {
    if (tokenizer.vocab() > TokenFileWriter.MAX_VOCAB) {
      throw new DataException(
          "tokenizer %s does not fit into a token file of 16 bits, which holds at most %d tokens"
              .formatted(tokenizer, TokenFileWriter.MAX_VOCAB));
    }
    boolean isNew = !Files.exists(directory);
    create(directory);
    Writing writing = new Writing(text, tokenizer, special, directory);
    boolean written = false;
    try {
      AtomicFile.write(directory.resolve(Corpora.TRAIN_FILE), writing::writeTo);
      written = true;
    } finally {
      if (!written && isNew) {
        deleteIfEmpty(directory);
      }
    }
    return new Result(writing.trainTokens, writing.validationTokens, tokenizer);
  }

  /** Whether {@code directory} holds what {@link #prepare} writes: it would be replaced. */
  public static boolean isPrepared(Path directory) {
    return Files.exists(directory.resolve(Corpora.TRAIN_FILE))
        || Files.exists(directory.resolve(Corpora.VALIDATION_FILE))
        || Files.exists(directory.resolve(TokenizerFile.NAME));
  }

  private static void deleteIfEmpty(Path directory) {
    try {
      Files.delete(directory);
    } catch (IOException e) {
      // not empty, or not ours to delete: why nothing was prepared is what matters
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
   * How many tokens there are is known only at the end, so all go to the training file first; then
   * its end moves to the validation file. An older training file goes before the first file is
   * replaced, and the new one appears last: a directory that holds one is of one piece.
   */
  private static final class Writing {
    private final TextSource text;
    private final Tokenizer tokenizer;
    private final boolean special;
    private final Path directory;
    private long trainTokens;
    private long validationTokens;

    Writing(TextSource text, Tokenizer tokenizer, boolean special, Path directory) {
      this.text = text;
      this.tokenizer = tokenizer;
      this.special = special;
      this.directory = directory;
    }

    void writeTo(FileChannel channel) throws IOException {
      long all = encode(channel);
      trainTokens = Corpus.trainSize(all);
      validationTokens = all - trainTokens;
      if (trainTokens == 0) {
        throw new DataException(
            "%s has %d tokens: too few to divide into two parts".formatted(text.name(), all));
      }
      long end = trainTokens * Short.BYTES;
      Files.deleteIfExists(directory.resolve(Corpora.TRAIN_FILE));
      TokenizerFile.save(tokenizer, directory.resolve(TokenizerFile.NAME));
      AtomicFile.write(
          directory.resolve(Corpora.VALIDATION_FILE), validation -> move(channel, end, validation));
      channel.truncate(end);
    }

    private long encode(FileChannel channel) throws IOException {
      try (TokenFileWriter writer = new TokenFileWriter(channel)) {
        DocumentEncoder encoder = new DocumentEncoder(tokenizer, special, writer::write);
        text.read(encoder);
        encoder.finish();
        return writer.count();
      } catch (UnknownCharacterException e) {
        throw new DataException(text.name() + ": " + e.getMessage(), e);
      }
    }

    private static void move(FileChannel from, long start, FileChannel to) throws IOException {
      for (long at = start; at < from.size(); ) {
        at += from.transferTo(at, from.size() - at, to);
      }
    }
  }
}
