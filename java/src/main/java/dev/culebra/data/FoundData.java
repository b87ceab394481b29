package dev.culebra.data;

/** What a name or a path of data stands for. */
sealed interface FoundData {
  /** Texts, not read yet. */
  record Texts(TextSource source) implements FoundData {}

  /** Token files, not opened yet. */
  record TokenFiles(TokenPaths paths) implements FoundData {}
}
