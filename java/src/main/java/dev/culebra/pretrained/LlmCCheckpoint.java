package dev.culebra.pretrained;

import dev.culebra.backend.Activation;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.io.FileErrors;
import dev.culebra.pretrained.StoredWeights.Stored;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * llm.c's checkpoints of GPT-2, such as {@code gpt2_124M.bin}: a header of 256 32-bit integers
 * (magic, version, longest sequence T, vocabulary V, layers L, heads, width C, padded vocabulary),
 * then the weights of all layers together, by kind; linear weights are (out, in). Version 3 stores
 * singles, version 5 bfloat16.
 */
final class LlmCCheckpoint {
  static final int MAGIC = 20240326;
  static final int HEADER_BYTES = 256 * Integer.BYTES;
  private static final int END_OF_TEXT = 50256;
  private static final int GPT2_VOCAB = 50257;

  private final Path file;
  private final StoredWeights weights;
  private final FileChannel channel;
  private final String dtype;
  private final int bytes;
  private long at = HEADER_BYTES;

  private LlmCCheckpoint(Path file, StoredWeights weights, FileChannel channel, String dtype) {
    this.file = file;
    this.weights = weights;
    this.channel = channel;
    this.dtype = dtype;
    this.bytes = StoredWeights.Type.valueOf(dtype).bytes();
  }

  static PretrainedModel open(Path file) throws IOException {
    StoredWeights weights = new StoredWeights();
    try {
      FileChannel channel = weights.open(file);
      int[] header = header(file, channel);
      String dtype =
          switch (header[1]) {
            case 3 -> "F32";
            case 5 -> "BF16";
            default ->
                throw new CheckpointException(
                    "%s has version %d of llm.c's format: 3 and 5 are read"
                        .formatted(file, header[1]));
          };
      ModelDescription description = description(file, header);
      LlmCCheckpoint reader = new LlmCCheckpoint(file, weights, channel, dtype);
      reader.place(description, header[7]);
      return new PretrainedModel(file, description, weights, false);
    } catch (Throwable e) { // even an Error must leave nothing open
      weights.close();
      throw e;
    }
  }

  private static int[] header(Path file, FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (bytes.hasRemaining() && channel.read(bytes, bytes.position()) >= 0) {}
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
    int[] header = new int[8];
    bytes.flip().asIntBuffer().get(header, 0, Math.min(header.length, bytes.limit() / 4));
    if (bytes.limit() < HEADER_BYTES || header[0] != MAGIC) {
      throw new CheckpointException(
          "%s is neither a folder with a config.json nor a checkpoint of llm.c".formatted(file));
    }
    return header;
  }

  private static ModelDescription description(Path file, int[] header) throws CheckpointException {
    int context = header[2];
    int vocab = header[3];
    int layers = header[4];
    int heads = header[5];
    int embd = header[6];
    for (int size : new int[] {context, vocab, layers, heads, embd}) {
      if (size < 1) {
        throw new CheckpointException(
            "%s is damaged: its header has size %d".formatted(file, size));
      }
    }
    if (embd % heads != 0 || header[7] < vocab) {
      throw new CheckpointException(
          "%s is damaged: the sizes in its header do not fit".formatted(file));
    }
    return new ModelDescription(
        file,
        Architecture.GPT2,
        layers,
        heads,
        heads,
        embd / heads,
        embd,
        4 * embd,
        context,
        vocab,
        true,
        Activation.GELU_TANH,
        1e-5,
        true,
        true,
        true,
        false,
        0,
        Optional.empty(),
        vocab == GPT2_VOCAB ? List.of(END_OF_TEXT) : List.of());
  }

  /**
   * Tensors of one kind, which are stored together: one for each layer, or only one.
   *
   * @param columns 0 for a vector
   */
  record Kind(String name, boolean ofLayers, int rows, int columns) {
    /** nanoGPT's names of its tensors, in order. */
    List<String> names(ModelDescription model) {
      return ofLayers
          ? IntStream.range(0, model.layers()).mapToObj(layer -> "h." + layer + "." + name).toList()
          : List.of(name);
    }

    private List<Integer> dims() {
      return columns == 0 ? List.of(rows) : List.of(rows, columns);
    }
  }

  /** All tensors in the order of the file. */
  static List<Kind> kinds(ModelDescription model) {
    int c = model.embd();
    return List.of(
        new Kind("wte.weight", false, model.vocab(), c),
        new Kind("wpe.weight", false, model.context(), c),
        new Kind("ln_1.weight", true, c, 0),
        new Kind("ln_1.bias", true, c, 0),
        new Kind("attn.c_attn.weight", true, 3 * c, c),
        new Kind("attn.c_attn.bias", true, 3 * c, 0),
        new Kind("attn.c_proj.weight", true, c, c),
        new Kind("attn.c_proj.bias", true, c, 0),
        new Kind("ln_2.weight", true, c, 0),
        new Kind("ln_2.bias", true, c, 0),
        new Kind("mlp.c_fc.weight", true, 4 * c, c),
        new Kind("mlp.c_fc.bias", true, 4 * c, 0),
        new Kind("mlp.c_proj.weight", true, c, 4 * c),
        new Kind("mlp.c_proj.bias", true, c, 0),
        new Kind("ln_f.weight", false, c, 0),
        new Kind("ln_f.bias", false, c, 0));
  }

  /** Finds where each tensor lies. The first, the embedding, is followed by rows of padding. */
  private void place(ModelDescription model, int paddedVocab) throws IOException {
    for (Kind kind : kinds(model)) {
      int rows = at == HEADER_BYTES ? paddedVocab : kind.rows();
      long elements = (long) rows * Math.max(1, kind.columns());
      for (String name : kind.names(model)) {
        add(name, kind.dims(), elements);
      }
    }
    if (channel.size() != at) {
      throw new CheckpointException(
          "%s should be %d bytes by its header, but is %d".formatted(file, at, channel.size()));
    }
  }

  /**
   * @param elements in the file, including padding
   */
  private void add(String name, List<Integer> dims, long elements) throws CheckpointException {
    weights.add(name, new Stored(file, channel, dtype, dims, at));
    at += elements * bytes;
  }
}
