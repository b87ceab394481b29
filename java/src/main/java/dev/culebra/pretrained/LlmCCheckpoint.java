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
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * llm.c's checkpoints of GPT-2, such as {@code gpt2_124M.bin}: a header of 256 32-bit integers
 * (magic, version, longest sequence T, vocabulary V, layers L, heads, width C, padded vocabulary),
 * then the weights of all layers together, kind by kind; linear ones are (out, in). Version 3 has
 * singles, version 5 bfloat16.
 */
final class LlmCCheckpoint {
  private static final int MAGIC = 20240326;
  private static final int HEADER_BYTES = 256 * Integer.BYTES;
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
    } catch (Throwable e) { // an Error too must leave nothing open
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

  /** Finds where each tensor lies; names are those of nanoGPT. */
  private void place(ModelDescription model, int paddedVocab) throws IOException {
    int c = model.embd();
    add("wte.weight", List.of(model.vocab(), c), (long) paddedVocab * c);
    add("wpe.weight", List.of(model.context(), c), (long) model.context() * c);
    addOfLayers(model, "ln_1.weight", c);
    addOfLayers(model, "ln_1.bias", c);
    addOfLayers(model, "attn.c_attn.weight", 3 * c, c);
    addOfLayers(model, "attn.c_attn.bias", 3 * c);
    addOfLayers(model, "attn.c_proj.weight", c, c);
    addOfLayers(model, "attn.c_proj.bias", c);
    addOfLayers(model, "ln_2.weight", c);
    addOfLayers(model, "ln_2.bias", c);
    addOfLayers(model, "mlp.c_fc.weight", 4 * c, c);
    addOfLayers(model, "mlp.c_fc.bias", 4 * c);
    addOfLayers(model, "mlp.c_proj.weight", c, 4 * c);
    addOfLayers(model, "mlp.c_proj.bias", c);
    add("ln_f.weight", List.of(c), c);
    add("ln_f.bias", List.of(c), c);
    if (channel.size() != at) {
      throw new CheckpointException(
          "%s should be %d bytes by its header, but is %d".formatted(file, at, channel.size()));
    }
  }

  private void addOfLayers(ModelDescription model, String name, int... dims)
      throws CheckpointException {
    long elements = dims.length == 1 ? dims[0] : (long) dims[0] * dims[1];
    List<Integer> shape = Arrays.stream(dims).boxed().toList();
    for (int layer = 0; layer < model.layers(); layer++) {
      add("h." + layer + "." + name, shape, elements);
    }
  }

  /**
   * @param elements that it takes in the file, padding included
   */
  private void add(String name, List<Integer> dims, long elements) throws CheckpointException {
    weights.add(name, new Stored(file, channel, dtype, dims, at));
    at += elements * bytes;
  }
}
