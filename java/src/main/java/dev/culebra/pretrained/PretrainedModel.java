package dev.culebra.pretrained;

import com.fasterxml.jackson.databind.JsonNode;
import dev.culebra.backend.Backend;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.pretrained.StoredWeights.Stored;
import dev.culebra.pretrained.WeightNames.Part;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A model in another program's files: its description, and its weights for a {@link Gpt}. Opens a
 * folder of Hugging Face's ({@code config.json} with {@code model.safetensors}, or with several
 * files that {@code model.safetensors.index.json} lists), or a checkpoint of llm.c.
 */
public final class PretrainedModel implements AutoCloseable {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  /** Elements that are read at a time: what loading takes beside the model, but for transposing. */
  private static final int PIECE = 1 << 22;

  /** Rows that are transposed together, so that they stay in a cache. */
  private static final int TILE = 64;

  private final Path path;
  private final ModelDescription description;
  private final StoredWeights weights;
  private final WeightNames naming;

  /** Names in the files by their names without prefixes. */
  private final Map<String, String> stored = new HashMap<>();

  PretrainedModel(
      Path path, ModelDescription description, StoredWeights weights, boolean transposed)
      throws CheckpointException {
    this.path = path;
    this.description = description;
    this.weights = weights;
    this.naming = new WeightNames(description, transposed);
    for (String name : weights.names()) {
      String other = stored.put(WeightNames.withoutPrefixes(name), name);
      if (other != null) {
        throw new CheckpointException(
            "%s holds %s and %s, which are one tensor".formatted(path, other, name));
      }
    }
  }

  /**
   * Opens a folder or file and checks that it holds the weights it describes, in the right shapes.
   *
   * @throws CheckpointException if it is none that is known, or they do not fit; one line
   * @throws IOException if a file cannot be read; one line that names it
   */
  public static PretrainedModel open(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      requireNoPickle(path);
      return LlmCCheckpoint.open(path);
    }
    StoredWeights weights = new StoredWeights();
    try {
      ModelDescription description = HuggingFaceConfig.read(path);
      for (Path file : files(path)) {
        weights.add(file);
      }
      boolean transposed = description.architecture() == Architecture.GPT2;
      return new PretrainedModel(path, description, weights, transposed);
    } catch (Throwable e) { // an Error too must leave nothing open
      weights.close();
      throw e;
    }
  }

  private static Set<Path> files(Path folder) throws IOException {
    Path index = folder.resolve(INDEX);
    if (Files.exists(folder.resolve(SINGLE))) {
      return Set.of(folder.resolve(SINGLE));
    }
    if (!Files.exists(index)) {
      requireNoPickle(folder.resolve("pytorch_model.bin"));
      throw new CheckpointException(
          "%s holds no weights: neither %s nor %s".formatted(folder, SINGLE, INDEX));
    }
    Set<Path> files = new TreeSet<>();
    for (JsonNode file : HuggingFaceConfig.parse(index).path("weight_map")) {
      Path name = Path.of(file.asText()).getFileName();
      if (name == null || !name.toString().equals(file.asText())) {
        throw new CheckpointException(
            "%s names %s, which is no file beside it".formatted(index, file));
      }
      files.add(folder.resolve(name));
    }
    return files;
  }

  private static void requireNoPickle(Path file) throws CheckpointException {
    String name = file.getFileName().toString();
    if (Files.exists(file) && (name.endsWith(".pt") || name.equals("pytorch_model.bin"))) {
      throw new CheckpointException(
          ("%s is a pickle of PyTorch's, which is not read; in Python: from safetensors.torch import"
                  + " save_file; save_file(state_dict, 'model.safetensors')")
              .formatted(file));
    }
  }

  /** What the model is. */
  public ModelDescription description() {
    return description;
  }

  /**
   * The model on {@code backend}; the caller closes it.
   *
   * @throws CheckpointException if a {@link Gpt} cannot compute it, or its weights do not fit; one
   *     line
   * @throws IOException if a file cannot be read
   */
  public Gpt gpt(Backend backend) throws IOException {
    Gpt model = Gpt.toBeLoaded(description.gptConfig(), backend);
    try {
      load(model);
      return model;
    } catch (Throwable e) { // an Error too must leave nothing open
      model.close();
      throw e;
    }
  }

  /**
   * Reads the weights into {@code model}, a tensor after the other, in pieces of 16 MB; a
   * transposed tensor is whole in memory while it is read.
   *
   * @param model of {@link ModelDescription#gptConfig}; where positions are rotary, of any context
   * @throws CheckpointException if a tensor is missing, has another shape, or has no place; one
   *     line that names it. The model is then of no use.
   * @throws IOException if a file cannot be read
   */
  public void load(Gpt model) throws IOException {
    Parameters parameters = model.parameters();
    Set<String> known = new HashSet<>();
    for (Parameter parameter : parameters.list()) {
      Shape shape = parameter.savedShape();
      for (Part part : naming.parts(parameter.name(), shape.dim(0))) {
        known.add(part.name());
        find(part, shape);
      }
    }
    requireNothingElse(known);
    for (Parameter parameter : parameters.list()) {
      Tensor values = parameters.slice(parameters.values(), parameter);
      Shape shape = parameter.savedShape();
      long columns = shape.elements() / shape.dim(0);
      long at = 0;
      for (Part part : naming.parts(parameter.name(), shape.dim(0))) {
        long elements = part.rows() * columns;
        load(find(part, shape), part, (int) columns, values, at, parameters.backend());
        at += elements;
      }
    }
    parameters.refreshWeights();
  }

  private Stored find(Part part, Shape shape) throws CheckpointException {
    List<Integer> expected = new ArrayList<>(List.of(part.rows()));
    for (int i = 1; i < shape.rank(); i++) {
      expected.add(part.transposed() ? 0 : i, shape.dim(i));
    }
    String name = stored.get(part.name());
    if (name == null) {
      throw new CheckpointException(
          "%s has no tensor %s, which should be %s".formatted(path, part.name(), text(expected)));
    }
    Stored tensor = weights.find(name);
    if (!tensor.dims().equals(expected)) {
      throw new CheckpointException(
          "%s: tensor %s is %s, but should be %s"
              .formatted(tensor.file(), name, text(tensor.dims()), text(expected)));
    }
    return tensor;
  }

  private static String text(List<Integer> dims) {
    return dims.toString().replace('[', '(').replace(']', ')');
  }

  private void requireNothingElse(Set<String> known) throws CheckpointException {
    for (Map.Entry<String, String> entry : stored.entrySet()) {
      if (!known.contains(entry.getKey()) && !naming.isIgnored(entry.getKey())) {
        throw new CheckpointException(
            "%s holds %s, for which a %s model has no place"
                .formatted(path, entry.getValue(), description.architecture().modelType()));
      }
    }
  }

  private void load(Stored tensor, Part part, int columns, Tensor into, long at, Backend backend)
      throws IOException {
    long elements = (long) part.rows() * columns;
    try (Arena arena = Arena.ofConfined()) {
      if (part.transposed()) {
        MemorySegment whole = transposed(tensor, part.rows(), columns, arena);
        backend.upload(into.slice(at, Shape.of(Math.toIntExact(elements))), whole);
        return;
      }
      MemorySegment floats = floats(Math.min(PIECE, elements), arena);
      for (long done = 0; done < elements; ) {
        int piece = (int) Math.min(PIECE, elements - done);
        MemorySegment floatsOfPiece = floats.asSlice(0, (long) piece * Float.BYTES);
        weights.read(tensor, done, floatsOfPiece);
        backend.upload(into.slice(at + done, Shape.of(piece)), floatsOfPiece);
        done += piece;
      }
    }
  }

  /** (in, out) in the file, (out, in) as the result. */
  private MemorySegment transposed(Stored tensor, int out, int in, Arena arena) throws IOException {
    MemorySegment result = floats((long) out * in, arena);
    MemorySegment tile = floats((long) Math.min(TILE, in) * out, arena);
    for (int first = 0; first < in; first += TILE) {
      int rows = Math.min(TILE, in - first);
      weights.read(tensor, (long) first * out, tile.asSlice(0, (long) rows * out * Float.BYTES));
      for (int column = 0; column < out; column++) {
        for (int row = 0; row < rows; row++) {
          float value = tile.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * out + column);
          result.setAtIndex(ValueLayout.JAVA_FLOAT, (long) column * in + first + row, value);
        }
      }
    }
    return result;
  }

  private static MemorySegment floats(long count, Arena arena) {
    return arena.allocate(count * DType.F32.bytes(), Float.BYTES);
  }

  @Override
  public void close() {
    weights.close();
  }
}
