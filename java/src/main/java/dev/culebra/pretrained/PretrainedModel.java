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
import java.util.stream.IntStream;

/**
 * A model in another program's files: its description, and its weights for a {@link Gpt}. Opens a
 * Hugging Face folder ({@code config.json} with {@code model.safetensors}, or with several files
 * listed in {@code model.safetensors.index.json}), or a checkpoint of llm.c.
 */
public final class PretrainedModel implements AutoCloseable {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final String ENDING = ".safetensors";

  /** The parameters with a row for each token, and for each position. */
  private static final Set<String> TABLES = Set.of("wte.weight", "lm_head.weight", "wpe.weight");

  private static final String POSITIONS = "wpe.weight";

  /** Elements read at a time: the memory for loading, except for transposing. They stay in L2. */
  private static final int PIECE = 1 << 18;

  /** Rows and columns transposed together: 16 columns are a cache line. */
  private static final int TILE = 16;

  /** Tiles that a thread transposes at a time, side by side. */
  private static final int TILES = 4;

  private final Path path;
  private final ModelDescription description;
  private final StoredWeights weights;
  private final WeightNames naming;

  /** Names in the files, by their names without prefixes. */
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
            "%s has both %s and %s, which are one tensor".formatted(path, other, name));
      }
    }
  }

  /**
   * Whether a path is meant to be another program's model, not a run of ours: any file, a folder
   * with a {@code config.json} of Hugging Face's, or one with weights and no {@code config.json}.
   * {@link #open} reports what is wrong with it, if anything.
   */
  public static boolean isModel(Path path) {
    return Files.exists(path.resolve(HuggingFaceConfig.NAME))
        ? HuggingFaceConfig.matches(path.resolve(HuggingFaceConfig.NAME))
        : Files.isRegularFile(path)
            || Files.exists(path.resolve(SINGLE))
            || Files.exists(path.resolve(INDEX))
            || Pickle.in(path).isPresent();
  }

  /**
   * Opens a folder or file without reading its weights.
   *
   * @throws CheckpointException with one line, if it is not a known format
   * @throws IOException if a file cannot be read; one line that names it
   */
  public static PretrainedModel open(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      Pickle.refuse(path);
      if (path.toString().endsWith(ENDING)) {
        throw new CheckpointException(
            "%s: give its folder instead, which must also hold its config.json".formatted(path));
      }
      return LlmCCheckpoint.open(path);
    }
    StoredWeights weights = new StoredWeights();
    try {
      if (!Files.exists(path.resolve(HuggingFaceConfig.NAME))) {
        Pickle.refuse(path);
      }
      ModelDescription description = HuggingFaceConfig.read(path);
      for (Path file : files(path)) {
        weights.add(file);
      }
      return new PretrainedModel(path, description, weights, isTransposed(description, weights));
    } catch (Throwable e) { // even an Error must leave nothing open
      weights.close();
      throw e;
    }
  }

  /** GPT-2's linear weights are (in, out), but nanoGPT stores them as (out, in). */
  private static boolean isTransposed(ModelDescription description, StoredWeights weights) {
    List<Integer> untransposed = List.of(3 * description.embd(), description.embd());
    return description.architecture() == Architecture.GPT2
        && weights.names().stream()
            .filter(name -> name.endsWith("h.0.attn.c_attn.weight"))
            .noneMatch(name -> weights.find(name).dims().equals(untransposed));
  }

  private static Set<Path> files(Path folder) throws IOException {
    Path index = folder.resolve(INDEX);
    if (Files.exists(folder.resolve(SINGLE))) {
      return Set.of(folder.resolve(SINGLE));
    }
    if (!Files.exists(index)) {
      Pickle.refuse(folder);
      throw new CheckpointException(
          "%s holds no weights: neither %s nor %s".formatted(folder, SINGLE, INDEX));
    }
    Set<Path> files = new TreeSet<>();
    for (JsonNode file : HuggingFaceConfig.parse(index).path("weight_map")) {
      Path name = Path.of(file.asText()).getFileName();
      if (name == null || !name.toString().equals(file.asText())) {
        throw new CheckpointException("%s names %s, which is not beside it".formatted(index, file));
      }
      files.add(folder.resolve(name));
    }
    return files;
  }

  /** The model's description. */
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
    } catch (Throwable e) { // even an Error must leave nothing open
      model.close();
      throw e;
    }
  }

  /**
   * Rejects files that hold less than their description claims, before memory of the claimed sizes
   * is allocated.
   *
   * @throws CheckpointException with one line that names a tensor that is missing or has another
   *     shape
   */
  public void requireSizes() throws CheckpointException {
    int embd = description.embd();
    Shape table = Shape.of(description.vocab(), embd);
    for (Part part : naming.parts("wte.weight", description.vocab())) {
      find(part, table, false);
    }
    String last = "h.%d.ln_2.weight".formatted(description.layers() - 1);
    for (Part part : naming.parts(last, embd)) {
      find(part, Shape.of(embd), false);
    }
  }

  /**
   * Reads all weights into {@code model}, as {@link #load(Gpt, int)}.
   *
   * @param model of {@link ModelDescription#gptConfig}
   */
  public void load(Gpt model) throws IOException {
    load(model, description.vocab());
  }

  /**
   * Reads the weights into {@code model}, one tensor at a time, in pieces of 1 MB; a transposed
   * tensor is completely in memory, twice, while it is read.
   *
   * @param model with the shape of {@link ModelDescription#gptConfig}; its vocabulary may differ,
   *     and its context may be shorter or, with rotary positions, longer
   * @param vocab number of tokens to read, from the first: files may have rows for tokens that the
   *     tokenizer does not have. The model's later rows are unchanged
   * @throws CheckpointException if a tensor is missing, has another shape, or has no place; one
   *     line that names it. The model must not be used then.
   * @throws IOException if a file cannot be read
   */
  public void load(Gpt model, int vocab) throws IOException {
    Parameters parameters = model.parameters();
    Set<String> known = new HashSet<>();
    for (Parameter parameter : parameters.list()) {
      Shape shape = shape(parameter, vocab);
      for (Part part : naming.parts(parameter.name(), shape.dim(0))) {
        known.add(part.name());
        find(part, shape, TABLES.contains(parameter.name()));
      }
    }
    requireNothingElse(known);
    for (Parameter parameter : parameters.list()) {
      Shape shape = shape(parameter, vocab);
      int columns = Math.toIntExact(shape.elements() / shape.dim(0));
      int at = 0;
      for (Part part : naming.parts(parameter.name(), shape.dim(0))) {
        Stored tensor = find(part, shape, TABLES.contains(parameter.name()));
        load(tensor, part, columns, parameters, parameter, at);
        at += part.rows();
      }
    }
    parameters.refreshWeights();
  }

  /** The part of a parameter that is read. */
  private static Shape shape(Parameter parameter, int vocab) {
    Shape saved = parameter.savedShape();
    boolean ofTokens = TABLES.contains(parameter.name()) && !parameter.name().equals(POSITIONS);
    return ofTokens ? Shape.of(vocab, saved.dim(1)) : saved;
  }

  /**
   * @param moreRows whether it may have more rows than are read
   */
  private Stored find(Part part, Shape shape, boolean moreRows) throws CheckpointException {
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
    List<Integer> dims = tensor.dims();
    boolean fits =
        moreRows && dims.size() == expected.size()
            ? dims.getFirst() >= expected.getFirst()
                && dims.subList(1, dims.size()).equals(expected.subList(1, dims.size()))
            : dims.equals(expected);
    if (!fits) {
      throw new CheckpointException(
          "%s: tensor %s is %s, but should be %s"
              .formatted(tensor.file(), name, text(dims), text(expected)));
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
            "%s contains %s, which a %s model does not have"
                .formatted(path, entry.getValue(), description.architecture().modelType()));
      }
    }
  }

  /**
   * Reads a part of a parameter.
   *
   * @param at the part's first row in the parameter
   */
  private void load(
      Stored tensor, Part part, int columns, Parameters parameters, Parameter parameter, int at)
      throws IOException {
    try (Arena arena = Arena.ofShared()) {
      if (part.transposed()) {
        parameters.load(parameter, at, transposed(tensor, part.rows(), columns, arena));
        return;
      }
      int most = Math.clamp(PIECE / columns, 1, part.rows());
      MemorySegment floats = floats((long) most * columns, arena);
      for (int row = 0; row < part.rows(); row += most) {
        long elements = (long) Math.min(most, part.rows() - row) * columns;
        MemorySegment piece = floats.asSlice(0, elements * DType.F32.bytes());
        weights.read(tensor, (long) row * columns, piece);
        parameters.load(parameter, at + row, piece);
      }
    }
  }

  /** Converts (in, out) in the file to (out, in), with all processors. */
  private MemorySegment transposed(Stored tensor, int out, int in, Arena arena) throws IOException {
    MemorySegment stored = floats((long) out * in, arena);
    weights.read(tensor, 0, stored);
    MemorySegment result = floats((long) out * in, arena);
    int columns = TILE * TILES;
    IntStream.range(0, Math.ceilDiv(out, columns))
        .parallel()
        .forEach(
            part -> {
              int end = Math.min(out, (part + 1) * columns);
              for (int column = part * columns; column < end; column += TILE) {
                for (int row = 0; row < in; row += TILE) {
                  transpose(
                      stored,
                      result,
                      row,
                      Math.min(in, row + TILE),
                      in,
                      column,
                      Math.min(end, column + TILE),
                      out);
                }
              }
            });
    return result;
  }

  /** A tile of {@code from} (rows, columns): the numbers of a row of {@code to} lie together. */
  private static void transpose(
      MemorySegment from,
      MemorySegment to,
      int firstRow,
      int endRow,
      int rows,
      int firstColumn,
      int endColumn,
      int columns) {
    for (int column = firstColumn; column < endColumn; column++) {
      for (int row = firstRow; row < endRow; row++) {
        float value = from.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * columns + column);
        to.setAtIndex(ValueLayout.JAVA_FLOAT, (long) column * rows + row, value);
      }
    }
  }

  private static MemorySegment floats(long count, Arena arena) {
    return arena.allocate(count * DType.F32.bytes(), Float.BYTES);
  }

  @Override
  public void close() {
    weights.close();
  }
}
