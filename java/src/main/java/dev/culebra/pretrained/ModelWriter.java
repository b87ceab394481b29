package dev.culebra.pretrained;

import dev.culebra.checkpoint.SafetensorsWriter;
import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Parameter;
import dev.culebra.options.OptionException;
import dev.culebra.pretrained.WeightNames.Part;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Writes a {@link Gpt} as another program's files; {@link PretrainedModel} reads them. */
public final class ModelWriter {
  private static final String WEIGHTS = "model.safetensors";

  private static final String LLM_C = "model.bin";

  private ModelWriter() {}

  /**
   * Writes the weights and their description, but not the tokenizer.
   *
   * @param dtype F32, or BF16, rounded to nearest
   * @param folder an existing folder
   * @param beginning the token that texts begin with, if there is one
   * @param ends the tokens that end a text
   * @return the file with the weights
   * @throws OptionException with one line, if the format cannot express such a model
   * @throws IOException with one line that names the file, if one cannot be written
   */
  public static Path write(
      Gpt model,
      ModelFormat format,
      DType dtype,
      Path folder,
      OptionalInt beginning,
      List<Integer> ends)
      throws IOException {
    Path config = folder.resolve(HuggingFaceConfig.NAME);
    ModelDescription description = format.describe(model.config(), config, ends);
    ModelTensors tensors = new ModelTensors(model, dtype);
    if (format == ModelFormat.LLMC) {
      Path file = folder.resolve(LLM_C);
      LlmCWriter.write(description, tensors, dtype, file);
      return file;
    }
    Path file = folder.resolve(WEIGHTS);
    SafetensorsWriter.write(file, items(model, description, tensors), Map.of("format", "pt"));
    HuggingFaceConfigWriter.write(description, model.config().dropout(), dtype, beginning);
    return file;
  }

  /** Sorted by name, as transformers writes them. */
  private static List<Item> items(Gpt model, ModelDescription description, ModelTensors tensors) {
    boolean gpt2 = description.architecture() == Architecture.GPT2;
    WeightNames naming = new WeightNames(description, gpt2);
    List<Item> items = new ArrayList<>();
    for (Parameter parameter : model.parameters().list()) {
      int row = 0;
      for (Part part : naming.parts(parameter.name(), parameter.savedShape().dim(0))) {
        String name = naming.prefixed(part.name());
        items.add(
            part.transposed()
                ? tensors.transposed(name, parameter)
                : tensors.rows(name, parameter, row, part.rows()));
        row += part.rows();
        Item bias = gpt2 ? absentBias(parameter, naming, tensors) : null;
        if (bias != null) {
          items.add(bias);
        }
      }
    }
    items.sort(Comparator.comparing(Item::name));
    return items;
  }

  /** A bias for a weight whose layer should have one and does not; otherwise null. */
  private static Item absentBias(Parameter weight, WeightNames naming, ModelTensors tensors) {
    String name = weight.name().replaceFirst("\\.weight$", ".bias");
    boolean canHaveOne =
        weight.kind() != Parameter.Kind.TABLE
            && weight.kind() != Parameter.Kind.POSITIONS
            && weight.name().endsWith(".weight")
            && !weight.name().equals("lm_head.weight");
    return canHaveOne && tensors.find(name) == null
        ? tensors.zeros(naming.prefixed(name), Shape.of(weight.savedShape().dim(0)))
        : null;
  }
}
