package dev.culebra.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds out what a name or a path of data stands for, without reading more than a first line.
 * Immutable and thread-safe.
 *
 * @param cache for downloads; need not exist yet
 * @param made user-defined datasets by name
 */
record DataFinder(Path cache, List<NamedDatasets> made) {
  DataFinder with(NamedDatasets more) {
    return new DataFinder(cache, Stream.concat(made.stream(), Stream.of(more)).toList());
  }

  /**
   * What {@code data} stands for.
   *
   * @param holdout with {@link Holdout.Rule#END}, files are chosen as in versions that had no other
   *     rule
   * @throws DataException if there is no such data, or it has no text
   * @throws IOException if a directory cannot be read, or a download fails
   */
  FoundData find(String data, Holdout holdout) throws IOException {
    NamedCorpus named = NamedCorpus.find(data).orElse(null);
    if (named != null) {
      return new FoundData.Texts(named.text(cache));
    }
    if (isMade(data)) {
      throw new DataException(data + " is generated on the fly: it has no text");
    }
    boolean asBefore = holdout.rule() == Holdout.Rule.END;
    Path path = Path.of(data);
    if (Glob.isPattern(path)) {
      return several(data, Glob.expand(path), asBefore);
    }
    if (!Files.exists(path)) {
      throw new DataException(
          "no such data: %s is neither a file nor one of %s".formatted(data, names()));
    }
    if (Files.isDirectory(path)) {
      TokenPaths tokens = TokenPaths.in(path, !asBefore).orElse(null);
      return tokens == null
          ? texts(data, List.of(path), asBefore)
          : new FoundData.TokenFiles(tokens);
    }
    return isTokenFile(path)
        ? new FoundData.TokenFiles(TokenPaths.of(path))
        : texts(data, List.of(path), asBefore);
  }

  private static FoundData several(String name, List<Path> paths, boolean asBefore)
      throws IOException {
    long tokenFiles = paths.stream().filter(DataFinder::isTokenFile).count();
    if (tokenFiles > 0 && tokenFiles < paths.size()) {
      throw new DataException(
          "%s matches token files and other files: name one kind of them".formatted(name));
    }
    return tokenFiles == 0
        ? texts(name, paths, asBefore)
        : new FoundData.TokenFiles(TokenPaths.of(name, paths));
  }

  private static FoundData texts(String name, List<Path> paths, boolean asBefore)
      throws IOException {
    return new FoundData.Texts(TextFiles.of(name, paths, asBefore));
  }

  private static boolean isTokenFile(Path path) {
    return path.toString().toLowerCase(Locale.ROOT).endsWith(TokenPaths.ENDING);
  }

  private String names() {
    Stream<String> texts = Arrays.stream(NamedCorpus.values()).map(NamedCorpus::label);
    Stream<String> others = made.stream().flatMap(datasets -> datasets.names().stream());
    return Stream.concat(texts, others).collect(Collectors.joining(", "));
  }

  /** The user-defined dataset of this name, if there is one. */
  Optional<Dataset> made(String data) {
    return made.stream().flatMap(datasets -> datasets.find(data).stream()).findFirst();
  }

  /** Whether a user-defined dataset has this name. */
  boolean isMade(String data) {
    try (Dataset own = made(data).orElse(null)) {
      return own != null;
    }
  }

  /** A name for {@code data} that works from any working directory. */
  String settled(String data) {
    if (NamedCorpus.find(data).isPresent()) {
      return data;
    }
    try (Dataset own = made(data).orElse(null)) {
      return own == null ? Path.of(data).toAbsolutePath().normalize().toString() : own.name();
    }
  }

  /**
   * What data is made of, and its validation part.
   *
   * @throws DataException if other data for validation is of another kind
   * @throws IOException if it cannot be read
   */
  static DataKind kind(DataSpec spec) throws IOException {
    DataKind kind = kind(spec.data());
    Holdout holdout = spec.holdout();
    DataKind other = holdout.isOtherData() ? kind(holdout.data()) : kind;
    if (other != kind) {
      throw new DataException(
          "%s is %s, but %s is %s: both must be of one kind"
              .formatted(spec.data(), kind, holdout.data(), other));
    }
    return kind;
  }

  /** By its name and its first line: a {@code .jsonl} may be of documents, too, which are texts. */
  static DataKind kind(String data) throws IOException {
    Path path = Path.of(data);
    if (!JsonTexts.hasItsEnding(path) || !Files.isRegularFile(path)) {
      return DataKind.TOKENS;
    }
    if (PromptLines.isOfConversations(path)) {
      return DataKind.CONVERSATIONS;
    }
    return JsonTexts.matches(path) ? DataKind.TOKENS : DataKind.PAIRS;
  }
}
