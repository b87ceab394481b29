package dev.culebra.data;

import dev.culebra.options.ValueType;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The requested tokenizer: one by name, or that of a folder or file ({@link TokenizerFolder}).
 *
 * @param kind {@link TokenizerKind#BPE} for a folder
 * @param path of the folder or file, as given; null for one by name
 */
public record TokenizerChoice(TokenizerKind kind, String path) {
  public static final TokenizerChoice CHAR = of(TokenizerKind.CHAR);
  public static final TokenizerChoice GPT2 = of(TokenizerKind.GPT2);

  /** The text form of a choice. */
  public static final ValueType<TokenizerChoice> TYPE =
      ValueType.of(
          TokenizerChoice.class, "char, gpt2 or a folder with a tokenizer", TokenizerChoice::parse);

  /**
   * A tokenizer by name. {@link TokenizerKind#BPE} refers to the tokenizer in a run: there is
   * nothing to open.
   */
  public static TokenizerChoice of(TokenizerKind kind) {
    return new TokenizerChoice(kind, null);
  }

  /** Reads {@code char}, {@code gpt2}, {@code bpe}; everything else is a path. */
  public static TokenizerChoice parse(String text) {
    for (TokenizerKind kind : TokenizerKind.values()) {
      if (kind.label().equalsIgnoreCase(text)) {
        return of(kind);
      }
    }
    return new TokenizerChoice(TokenizerKind.BPE, text);
  }

  /** The text that {@link #parse} reads back. */
  @Override
  public String toString() {
    return path == null ? kind.label() : path;
  }

  /**
   * The tokenizer, if it does not depend on the text.
   *
   * @return empty for a character tokenizer, whose vocabulary is that of the text
   * @throws DataException if its location is unknown
   * @throws IOException with one line that names it, if its file cannot be read or is not a
   *     tokenizer
   */
  public Optional<Tokenizer> open() throws IOException {
    if (path != null) {
      return Optional.of(TokenizerFolder.open(Path.of(path)));
    }
    return switch (kind) {
      case CHAR -> Optional.empty();
      case GPT2 -> Optional.of(new Gpt2Tokenizer());
      case BPE ->
          throw new DataException(
              "tokenizer bpe is that of a run: name its folder instead, or that of another"
                  + " tokenizer");
    };
  }
}
