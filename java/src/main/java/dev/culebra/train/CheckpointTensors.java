package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.nn.Positions;
import dev.culebra.optim.Optimizer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The tensors of a checkpoint: a model's parameters and its optimizer's {@link Optimizer.State}s
 * under their names, F32, without the rows that only pad the vocabulary.
 */
final class CheckpointTensors {
  private static final String TOKENS = "wte.weight";

  /** The parameters with a row for each token. */
  private static final Set<String> TOKEN_ROWS = Set.of(TOKENS, "lm_head.weight");

  /** The parameter with a row for each position; a shorter context reads the first ones. */
  private static final String POSITIONS = "wpe.weight";

  private CheckpointTensors() {}

  /**
   * Rejects weights of other sizes than a model's, by their shapes alone.
   *
   * @param config the file that describes the model, for the message
   * @throws CheckpointException with one line that says what differs
   */
  static void requireSizes(Safetensors weights, GptConfig model, Path config)
      throws CheckpointException {
    weights.tensor(TOKENS, DType.F32, Shape.of(model.vocab(), model.embd()));
    if (model.positions() == Positions.LEARNED) {
      weights.tensor(POSITIONS, DType.F32, Shape.of(model.context(), model.embd()));
    }
    String last = "h.%d.".formatted(model.layers() - 1);
    if (weights.names().stream().noneMatch(name -> name.startsWith(last))) {
      throw new CheckpointException(
          "%s has fewer than the %d layers of %s"
              .formatted(weights.file(), model.layers(), config));
    }
  }

  /**
   * Reads the weights into {@code parameters}.
   *
   * @param vocab tokens that the checkpoint knows: the number of rows to load into the embedding
   *     and into an untied head
   * @throws IOException with one line, if they are not those of this model
   */
  static void loadWeights(Safetensors checkpoint, Parameters parameters, int vocab)
      throws IOException {
    requireNothingElse(checkpoint, parameters);
    for (Parameter parameter : parameters.list()) {
      Shape stored = stored(checkpoint, parameter, vocab);
      Shape rows = parameter.name().equals(POSITIONS) ? parameter.savedShape() : stored;
      MemorySegment all = checkpoint.tensor(parameter.name(), DType.F32, stored);
      parameters.load(parameter, 0, all.asSlice(0, rows.elements() * DType.F32.bytes()));
    }
    parameters.refreshWeights();
  }

  /** The tables of tokens and positions may have a different number of rows than the model. */
  private static Shape stored(Safetensors checkpoint, Parameter parameter, int vocab)
      throws IOException {
    Shape saved = parameter.savedShape();
    if (TOKEN_ROWS.contains(parameter.name())) {
      return Shape.of(vocab, saved.dim(1));
    }
    if (parameter.name().equals(POSITIONS) && checkpoint.contains(POSITIONS)) {
      List<Integer> dims = checkpoint.place(POSITIONS).dims();
      return dims.isEmpty()
          ? saved
          : Shape.of(Math.max(dims.getFirst(), saved.dim(0)), saved.dim(1));
    }
    return saved;
  }

  /** A model smaller than the saved one would be a different model. */
  private static void requireNothingElse(Safetensors checkpoint, Parameters parameters)
      throws IOException {
    Set<String> known = new HashSet<>();
    parameters.list().forEach(parameter -> known.add(parameter.name()));
    for (String name : checkpoint.names()) {
      if (!known.contains(name) && !Optimizer.isState(name)) {
        throw new CheckpointException(
            "%s contains %s, which the model of config.json does not have"
                .formatted(checkpoint.file(), name));
      }
    }
  }

  /**
   * Reads the states of an optimizer.
   *
   * @throws IOException with one line, if one is missing or has another shape
   */
  static void loadStates(Safetensors checkpoint, Optimizer optimizer, Backend backend)
      throws IOException {
    for (Optimizer.State state : optimizer.states()) {
      Shape shape = state.parameter().savedShape();
      backend.upload(
          state.tensor().slice(0, shape), checkpoint.tensor(state.name(), DType.F32, shape));
    }
  }

  /** The weights, to be written. */
  static List<Item> weights(Parameters parameters) {
    return parameters.list().stream()
        .map(
            parameter ->
                item(
                    parameters.backend(),
                    parameter.name(),
                    parameter,
                    parameters.slice(parameters.values(), parameter)))
        .toList();
  }

  /** The states of an optimizer, to be written. */
  static List<Item> states(Optimizer optimizer, Backend backend) {
    return optimizer.states().stream()
        .map(state -> item(backend, state.name(), state.parameter(), state.tensor()))
        .toList();
  }

  private static Item item(Backend backend, String name, Parameter parameter, Tensor tensor) {
    Tensor saved = tensor.slice(0, parameter.savedShape());
    return new Item(
        name,
        DType.F32,
        parameter.savedShape(),
        (piece, offset) -> readPiece(backend, saved, piece, offset));
  }

  private static void readPiece(Backend backend, Tensor tensor, MemorySegment piece, long offset) {
    int elements = Math.toIntExact(piece.byteSize() / DType.F32.bytes());
    backend.readBlocking(piece, tensor.slice(offset / DType.F32.bytes(), Shape.of(elements)));
  }
}
