package dev.culebra.bench;

import dev.culebra.checkpoint.Safetensors;
import dev.culebra.checkpoint.SafetensorsWriter;
import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Passes the weights of a model in host memory to another engine, through a temporary file. */
public final class WeightFile {
  /** Reads an open file. */
  @FunctionalInterface
  public interface Reader<T> {
    T read(Safetensors file) throws IOException;
  }

  private WeightFile() {}

  /**
   * Writes the weights of {@code model} to a temporary file, reads them with {@code reader} and
   * deletes the file.
   */
  public static <T> T pass(Gpt model, Reader<T> reader) throws IOException {
    Path path = Files.createTempFile("culebra", ".safetensors");
    try {
      List<Item> items =
          model.parameters().list().stream().map(each -> item(model.parameters(), each)).toList();
      SafetensorsWriter.write(path, items, Map.of());
      try (Safetensors file = Safetensors.open(path)) {
        return reader.read(file);
      }
    } finally {
      Files.deleteIfExists(path);
    }
  }

  /** A parameter without its rows of padding. */
  private static Item item(Parameters parameters, Parameter parameter) {
    Tensor master = parameters.slice(parameters.values(), parameter);
    MemorySegment values = master.slice(0, parameter.savedShape()).segment();
    return new Item(
        parameter.name(),
        DType.F32,
        parameter.savedShape(),
        (piece, offset) -> MemorySegment.copy(values, offset, piece, 0, piece.byteSize()));
  }
}
