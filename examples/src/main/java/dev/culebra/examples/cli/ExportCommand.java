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
    header = "Export a trained model for other programs.",
    description = {
      "--format hf: a folder with weights and tokenizer for from_pretrained of Hugging Face's",
      "transformers; with learned positions it is GPT-2, with rotary ones Llama, Qwen2 or Qwen3.",
      "--format llmc: model.bin and gpt2_tokenizer.bin for llm.c; GPT-2 only.",
      "Biases that the other program needs and the model does not have are 0."
    },
    footer = {"", "Example: culebra export --run runs/dickens-1 --format hf --out dickens-hf"})
final class ExportCommand implements Callable<Integer> {
  @Mixin private CommonOptions common;

  @Mixin private ModelOption model;

  @Option(names = "--format", required = true, paramLabel = "FORMAT", description = "hf or llmc.")
  private ModelFormat format;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "fp32",
      description = "Type of the weights: fp32 or bf16. Default: ${DEFAULT-VALUE}")
  private Type dtype;

  @Mixin private OutputFolder out;

  /** Types of weights, named as in {@code train --dtype}. */
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
    try (ModelFiles files = model.open()) {
      format.describe(
          files.config().model(), out.path(), List.of()); // fails before anything is read
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
