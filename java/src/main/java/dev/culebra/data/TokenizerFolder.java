package dev.culebra.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import dev.culebra.text.AddedToken;
import dev.culebra.text.BpeDefinition;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.PreTokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Opens the tokenizer of a folder: {@code tokenizer.json}, from Hugging Face or a run, or {@code
 * vocab.json} with {@code merges.txt}, as published for GPT-2.
 */
public final class TokenizerFolder {
  static final String VOCABULARY = "vocab.json";
  static final String MERGES = "merges.txt";

  /** In a Hugging Face folder, names the token that ends a text. */
  static final String CONFIG = "tokenizer_config.json";

  private TokenizerFolder() {}

  /** Whether there is a tokenizer at {@code path}, a folder or a file. */
  public static boolean exists(Path path) {
    return Files.isRegularFile(path)
        || Files.isRegularFile(path.resolve(TokenizerFile.NAME))
        || Files.isRegularFile(path.resolve(VOCABULARY))
            && Files.isRegularFile(path.resolve(MERGES));
  }

  /**
   * Opens the tokenizer of a folder, or of a {@code tokenizer.json} given directly.
   *
   * @throws DataException if there is none
   * @throws IOException with one line that names it, if a file cannot be read or is not a tokenizer
   */
  public static Tokenizer open(Path path) throws IOException {
    if (!exists(path)) {
      throw new DataException(
          Files.exists(path)
              ? "%s holds no tokenizer: neither %s nor %s with %s"
                  .formatted(path, TokenizerFile.NAME, VOCABULARY, MERGES)
              : "no such tokenizer: " + path);
    }
    if (Files.isRegularFile(path)) {
      return TokenizerFile.load(path);
    }
    Path file = path.resolve(TokenizerFile.NAME);
    Tokenizer tokenizer = Files.exists(file) ? TokenizerFile.load(file) : openMerges(path);
    return tokenizer instanceof BpeTokenizer pairs && pairs.endOfText().isEmpty()
        ? withEndOfText(pairs, path.resolve(CONFIG))
        : tokenizer;
  }

  /**
   * Writes a tokenizer for other programs, with the tokens that its texts begin and end with.
   * Hugging Face's libraries open the folder; GPT-2's merges are written out, and characters become
   * BPE without merges.
   *
   * @throws DataException if they do not support such a tokenizer
   * @throws IOException if a file cannot be written; each is whole or as it was
   */
  public static void export(Tokenizer tokenizer, TextConventions conventions, Path folder)
      throws IOException {
    switch (tokenizer) {
      case BpeTokenizer pairs -> save(pairs, folder);
      case Gpt2Tokenizer gpt2 -> save(gpt2.writtenOut(), folder);
      case CharTokenizer characters ->
          AtomicFile.write(
              folder.resolve(TokenizerFile.NAME),
              TokenizerFile.write(HuggingFaceTokenizer.json(characters)));
      default -> throw new DataException("other programs do not know tokenizer " + tokenizer);
    }
    conventions.save(tokenizer, folder);
  }

  /**
   * Writes a tokenizer in every form: {@code tokenizer.json}, which is sufficient, {@code
   * tokenizer_config.json} for Hugging Face's libraries, and {@code vocab.json} with {@code
   * merges.txt} for older programs. The folder is created if necessary.
   *
   * @throws IOException if a file cannot be written; each is whole or as it was
   */
  public static void save(BpeTokenizer tokenizer, Path folder) throws IOException {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new IOException("cannot make " + folder + ": " + FileErrors.reason(e), e);
    }
    BpeDefinition definition = tokenizer.parts();
    StringBuilder merges = new StringBuilder("#version: 0.2\n");
    List<String> tokens = definition.tokens();
    for (BpeDefinition.Merge merge : definition.merges()) {
      merges.append(tokens.get(merge.left())).append(' ').append(tokens.get(merge.right()));
      merges.append('\n');
    }
    TextConventions conventions = TextConventions.of(tokenizer).withBeginning(tokenizer);
    JsonNode json = HuggingFaceTokenizer.json(definition);
    AtomicFile.write(
        folder.resolve(VOCABULARY), TokenizerFile.write(json.path("model").path("vocab")));
    AtomicFile.write(folder.resolve(MERGES), merges.toString());
    AtomicFile.write(
        folder.resolve(CONFIG), TokenizerFile.write(conventions.tokenizerConfig(tokenizer)));
    TokenizerFile.save(tokenizer, folder.resolve(TokenizerFile.NAME));
  }

  /** Uses GPT-2's rule for words, or Qwen's if the folder says so. */
  private static BpeTokenizer openMerges(Path folder) throws IOException {
    Path file = folder.resolve(VOCABULARY);
    HuggingFaceTokenizer reader = new HuggingFaceTokenizer(file);
    Map<String, Integer> vocabulary = reader.vocabulary(TokenizerFile.parse(file));
    JsonNode config = config(folder.resolve(CONFIG));
    boolean qwen = config.path("tokenizer_class").asText().startsWith("Qwen2");
    List<AddedToken> added = added(vocabulary, config);
    return reader.tokenizer(
        new BpeDefinition(
            reader.tokens(vocabulary),
            new HuggingFaceTokenizer(folder.resolve(MERGES))
                .merges(mergeLines(folder.resolve(MERGES)), vocabulary),
            added,
            qwen ? PreTokenizer.QWEN2 : PreTokenizer.GPT2,
            qwen,
            false,
            HuggingFaceTokenizer.endOfText(added)));
  }

  /** One pair per line; the first line may be {@code #version: 0.2}. */
  private static List<String[]> mergeLines(Path file) throws IOException {
    List<String[]> merges = new ArrayList<>();
    for (String line : lines(file)) {
      boolean header = merges.isEmpty() && line.startsWith("#version");
      if (!header && !line.isEmpty()) {
        merges.add(line.split(" ", -1));
      }
    }
    return merges;
  }

  private static List<String> lines(Path file) throws IOException {
    try {
      return Files.readString(file).lines().toList();
    } catch (CharacterCodingException e) {
      throw new TokenizerFormatException(file, "it is not UTF-8");
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /** The added tokens in the folder's configuration, or GPT-2's special token. */
  private static List<AddedToken> added(Map<String, Integer> vocabulary, JsonNode config) {
    List<AddedToken> added = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : config.path("added_tokens_decoder").properties()) {
      added.add(
          new AddedToken(
              Integer.parseInt(entry.getKey()),
              entry.getValue().path("content").asText(),
              entry.getValue().path("special").asBoolean()));
    }
    Integer end = vocabulary.get(HuggingFaceTokenizer.GPT2_END_OF_TEXT);
    if (added.isEmpty() && end != null) {
      added.add(new AddedToken(end, HuggingFaceTokenizer.GPT2_END_OF_TEXT, true));
    }
    return added;
  }

  private static BpeTokenizer withEndOfText(BpeTokenizer tokenizer, Path config)
      throws IOException {
    JsonNode end = config(config).path("eos_token");
    String content = end.isObject() ? end.path("content").asText() : end.asText();
    OptionalInt token =
        tokenizer.parts().added().stream()
            .filter(added -> added.content().equals(content))
            .mapToInt(AddedToken::id)
            .findFirst();
    return token.isEmpty() ? tokenizer : new BpeTokenizer(tokenizer.parts().withEndOfText(token));
  }

  private static JsonNode config(Path file) throws IOException {
    return Files.exists(file) ? TokenizerFile.parse(file) : MissingNode.getInstance();
  }
}
