package dev.culebra.examples.cli;

import dev.culebra.data.LlmCTokenizer;
import dev.culebra.data.TextConventions;
import dev.culebra.data.TokenizerFolder;
import dev.culebra.io.AtomicFolder;
import dev.culebra.pretrained.ModelFormat;
import dev.culebra.pretrained.ModelWriter;
import dev.culebra.tensor.DType;
import dev.culebra.text.Tokenizer;
import dev.culebra.train.DeviceConfig;
import dev.culebra.train.ModelFiles;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code culebra export}. */
@Command(
    name = "export",
    header = "Write a trained model as files of other programs.",
    description = {
      "--format hf: a folder that from_pretrained of Hugging Face's transformers opens, with the",
      "tokenizer; a model with learned positions is GPT-2, one with rotary positions is Llama.",
      "--format llmc: model.bin and gpt2_tokenizer.bin of llm.c, of GPT-2 only.",
      "A model without biases gets biases of 0 where the other program must have some."
    },
    footer = {"", "Example: culebra export --run runs/dickens-1 --format hf --out dickens-hf"})
final class ExportCommand implements Callable<Integer> {
  @Mixin private CommonOptions common;

  @Option(
      names = "--run",
      required = true,
      paramLabel = "PATH",
      description =
          "A run directory, of which the best weights are taken; or another program's model.")
  private Path path;

  @Option(
      names = "--format",
      required = true,
      paramLabel = "FORMAT",
      description = "hf or llmc: whose files to write.")
  private ModelFormat format;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "fp32",
      description = "fp32 or bf16: type of the weights in the files. Default: ${DEFAULT-VALUE}")
  private Type dtype;

  @Mixin private OutputFolder out;
  @Mixin private AcceptChanges acceptChanges;

  /** Types of weights by the names that other options have for them. */
  enum Type {
    FP32(DType.F32),
    BF16(DType.BF16);

    private final DType dtype;

    Type(DType dtype) {
      this.dtype = dtype;
    }
  }

  @Override
  public Integer call() throws IOException {
    out.requireFree(!AtomicFolder.isEmpty(out.path()), "files");
    try (ModelFiles files = acceptChanges.open(path)) {
      format.describe(files.config().model(), out.path(), List.of()); // refused before it is read
      try (TrainedModel trained = TrainedModel.open(files, DeviceConfig.CPU)) {
        AtomicFolder.write(out.path(), folder -> write(trained, folder));
      }
    }
    try (Stream<Path> written = Files.list(out.path())) {
      for (Path file : written.sorted().toList()) {
        System.out.printf("%,15d bytes  %s%n", Files.size(file), file);
      }
    }
    return 0;
  }

  private void write(TrainedModel trained, Path folder) throws IOException {
    Tokenizer tokenizer = trained.tokenizer();
    TextConventions conventions = trained.conventions().withBeginning(tokenizer);
    switch (format) {
      case HF -> TokenizerFolder.export(tokenizer, conventions, folder);
      case LLMC -> LlmCTokenizer.save(tokenizer, folder.resolve(LlmCTokenizer.NAME));
    }
    ModelWriter.write(
        trained.model(), format, dtype.dtype, folder, conventions.beginning(), conventions.ends());
  }
}
