package dev.culebra.data;

import dev.culebra.io.FileErrors;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Token files that are opened together: nanoGPT's {@code train.bin} and {@code val.bin}, shards
 * such as {@code fineweb_train_000001.bin} and {@code fineweb_val_000000.bin}, or files whose names
 * do not say what they are for.
 *
 * @param name of all of them
 * @param train files for training, in order; all files if they are not divided
 * @param validation files for validation
 * @param divided whether the names say what each file is for
 */
record TokenPaths(String name, List<Path> train, List<Path> validation, boolean divided) {
  static final String ENDING = ".bin";
  static final String TRAIN_FILE = "train.bin";
  static final String VALIDATION_FILE = "val.bin";

  private static final Pattern SHARD =
      Pattern.compile("(?:.*[_.-])?(train|val)(?:[_.-].*)?\\.bin", Pattern.CASE_INSENSITIVE);

  /**
   * Those of a directory: {@code train.bin} and {@code val.bin}, or else shards; empty if there are
   * none.
   *
   * @param shards whether shards count
   * @throws IOException if the directory cannot be read
   */
  static Optional<TokenPaths> in(Path directory, boolean shards) throws IOException {
    Path train = directory.resolve(TRAIN_FILE);
    Path validation = directory.resolve(VALIDATION_FILE);
    if (Files.exists(train) || Files.exists(validation)) {
      return Optional.of(
          new TokenPaths(directory.toString(), existing(train), existing(validation), true));
    }
    List<Path> files = shards ? shardsIn(directory) : List.of();
    return files.isEmpty() ? Optional.empty() : Optional.of(of(directory.toString(), files));
  }

  private static List<Path> existing(Path file) {
    return Files.exists(file) ? List.of(file) : List.of();
  }

  private static List<Path> shardsIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> shard(file).matches()).sorted().toList();
    } catch (IOException e) {
      throw new IOException("cannot read " + directory + ": " + FileErrors.reason(e), e);
    }
  }

  private static Matcher shard(Path file) {
    return SHARD.matcher(file.getFileName().toString());
  }

  /** These files, at least one. They are divided if every name says what its file is for. */
  static TokenPaths of(String name, List<Path> files) {
    List<Path> train = new ArrayList<>();
    List<Path> validation = new ArrayList<>();
    for (Path file : files) {
      Matcher shard = shard(file);
      if (!shard.matches()) {
        return new TokenPaths(name, files, List.of(), false);
      }
      (shard.group(1).equalsIgnoreCase("train") ? train : validation).add(file);
    }
    return new TokenPaths(name, List.copyOf(train), List.copyOf(validation), true);
  }

  /** One file, whatever its name says. */
  static TokenPaths of(Path file) {
    return new TokenPaths(file.toString(), List.of(file), List.of(), false);
  }

  /**
   * These files, after a check that each part has one.
   *
   * @throws DataException if they are divided and one part has none
   */
  TokenPaths complete() {
    if (divided && (train.isEmpty() || validation.isEmpty())) {
      boolean noTraining = train.isEmpty();
      throw new DataException(
          "%s holds only token files for %s (%s): one for %s is missing, such as %s"
              .formatted(
                  name,
                  noTraining ? "validation" : "training",
                  (noTraining ? validation : train).getFirst().getFileName(),
                  noTraining ? "training" : "validation",
                  noTraining ? "x_train_000001.bin" : "x_val_000000.bin"));
    }
    return this;
  }

  /** The files that are for training; with other data for validation these are enough. */
  List<Path> forTraining() {
    return train.isEmpty() ? complete().train : train;
  }

  /** The files that are for validation; all files if they are not divided. */
  List<Path> forValidation() {
    return validation.isEmpty() ? train : validation;
  }

  int count() {
    return train.size() + validation.size();
  }

  /**
   * What the tokens mean: {@code tokenizer.json} beside them, or nanoGPT's {@code meta.pkl};
   * without either it is {@code otherwise} if that has byte pairs, else GPT-2's.
   *
   * @param otherwise or null
   * @throws DataException if nothing says what they mean
   * @throws IOException if a file cannot be read
   */
  Tokenizer tokenizer(Tokenizer otherwise) throws IOException {
    Path first = (train.isEmpty() ? validation : train).getFirst();
    Path directory = first.toAbsolutePath().getParent();
    Path json = directory.resolve(TokenizerFile.NAME);
    if (Files.exists(json)) {
      return TokenizerFile.load(json);
    }
    Path pickle = directory.resolve(PickledVocabulary.NAME);
    if (Files.exists(pickle)) {
      return PickledVocabulary.read(pickle);
    }
    if (otherwise instanceof BpeTokenizer) {
      return otherwise;
    }
    if (TokenFile.isOfLlama(first)) {
      throw new DataException(
          "%s holds tokens of Llama 3: put its tokenizer.json beside it, or name the folder of its"
                  .formatted(first)
              + " tokenizer");
    }
    return new Gpt2Tokenizer();
  }
}
