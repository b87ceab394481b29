package dev.culebra.examples.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A small model as Hugging Face's libraries wrote it: the library's fixture with its tokenizer. */
final class ModelFolder {
  private static final Path FIXTURES =
      Path.of("../java/src/test/resources").toAbsolutePath().normalize();

  private ModelFolder() {}

  /**
   * Makes {@code folder}.
   *
   * @param model such as {@code gpt2-f32}
   * @param tokenizer such as {@code gpt2}
   */
  static Path copyTo(Path folder, String model, String tokenizer) throws IOException {
    Files.createDirectories(folder);
    for (String name : List.of("config.json", "generation_config.json", "model.safetensors")) {
      Files.copy(FIXTURES.resolve("models").resolve(model).resolve(name), folder.resolve(name));
    }
    Files.copy(
        FIXTURES.resolve("tokenizers").resolve(tokenizer).resolve("tokenizer.json"),
        folder.resolve("tokenizer.json"));
    return folder;
  }
}
