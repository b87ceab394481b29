package dev.culebra.train;

import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.data.LlmCTokenizer;
import dev.culebra.data.TextConventions;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.data.TokenizerFolder;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Preset;
import dev.culebra.options.Options;
import dev.culebra.pretrained.ModelDescription;
import dev.culebra.pretrained.PretrainedModel;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;

/** Another program's model and its tokenizer. */
final class PretrainedFiles implements ModelFiles {
  private final Path path;
  private final PretrainedModel model;
  private final Tokenizer tokenizer;
  private final TextConventions conventions;

  private PretrainedFiles(Path path, PretrainedModel model) throws IOException {
    this.path = path;
    this.model = model;
    ModelDescription description = model.description();
    this.tokenizer = tokenizer(path, description);
    int rows = description.vocab();
    if (tokenizer.vocab() > rows) {
      throw new CheckpointException(
          "%s: the tokenizer has %,d tokens, but the model knows only %,d"
              .formatted(path, tokenizer.vocab(), rows));
    }
    this.conventions =
        Files.isDirectory(path)
            ? TextConventions.read(path, tokenizer, description.endTokens())
            : TextConventions.of(tokenizer);
  }

  /**
   * Opens a folder or file.
   *
   * @throws CheckpointException with one line, if it is not a known model or has no tokenizer
   * @throws IOException with one line that names the file, if one cannot be read
   */
  static PretrainedFiles open(Path path) throws IOException {
    PretrainedModel model = PretrainedModel.open(path);
    try {
      return new PretrainedFiles(path, model);
    } catch (Throwable e) { // even an Error must leave nothing open
      model.close();
      throw e;
    }
  }

  /**
   * That of the folder, or llm.c's beside the file; otherwise GPT-2's, if the model has its
   * vocabulary.
   */
  private static Tokenizer tokenizer(Path path, ModelDescription description) throws IOException {
    boolean folder = Files.isDirectory(path);
    Path beside = path.resolveSibling(LlmCTokenizer.NAME);
    if (folder && TokenizerFolder.exists(path)) {
      return withEndOfText(TokenizerFolder.open(path), description);
    }
    if (!folder && Files.exists(beside)) {
      return LlmCTokenizer.read(beside);
    }
    Tokenizer gpt2 = new Gpt2Tokenizer();
    if (description.vocab() == gpt2.vocab()) {
      return gpt2;
    }
    throw new CheckpointException(
        folder
            ? "%s holds no tokenizer: put its tokenizer.json, or its vocab.json and merges.txt, there"
                .formatted(path)
            : "%s needs its tokenizer beside it: %s".formatted(path, beside));
  }

  /** Takes the token between documents from the model's files if the tokenizer's have none. */
  private static Tokenizer withEndOfText(Tokenizer tokenizer, ModelDescription description) {
    if (tokenizer instanceof BpeTokenizer pairs && pairs.endOfText().isEmpty()) {
      OptionalInt end =
          description.endTokens().stream()
              .mapToInt(Integer::intValue)
              .filter(token -> token < tokenizer.vocab())
              .findFirst();
      return end.isEmpty() ? tokenizer : new BpeTokenizer(pairs.parts().withEndOfText(end));
    }
    return tokenizer;
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public TrainConfig config() throws IOException {
    TokenizerChoice choice =
        TokenizerKind.of(tokenizer).map(TokenizerChoice::of).orElse(TokenizerChoice.GPT2);
    return TrainConfig.of(
        Options.NONE
            .with(TrainConfig.PRESET, Preset.GPT2)
            .with(DataConfig.TOKENIZER, choice)
            .with(model.description().gptConfig().options()));
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public TextConventions conventions() {
    return conventions;
  }

  @Override
  public void requireSound() throws IOException {
    model.requireSizes();
  }

  @Override
  public void loadWeights(Gpt model, int vocab) throws IOException {
    this.model.load(model, vocab);
  }

  @Override
  public Parent asParent() {
    return new Parent(path.toAbsolutePath().normalize().toString(), null, null);
  }

  @Override
  public void close() {
    model.close();
  }
}
