package dev.culebra.pretrained;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.io.AtomicFile;
import dev.culebra.nn.Parameter;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes checkpoints; {@link LlmCCheckpoint} reads them. */
final class LlmCWriter {
  private static final int PIECE = 8 << 20;
  private static final int VOCAB_MULTIPLE = 128;

  private LlmCWriter() {}

  /** Replaces {@code file}. */
  static void write(ModelDescription model, ModelTensors tensors, DType dtype, Path file)
      throws IOException {
    int paddedVocab = Math.ceilDiv(model.vocab(), VOCAB_MULTIPLE) * VOCAB_MULTIPLE;
    ByteBuffer header =
        ByteBuffer.allocate(LlmCCheckpoint.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(LlmCCheckpoint.MAGIC).putInt(dtype == DType.F32 ? 3 : 5);
    header.putInt(model.context()).putInt(model.vocab()).putInt(model.layers());
    header.putInt(model.heads()).putInt(model.embd()).putInt(paddedVocab);
    List<Item> items = items(model, tensors, paddedVocab);
    AtomicFile.write(
        file,
        channel -> {
          writeAll(channel, header.rewind());
          ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
          for (Item item : items) {
            long bytes = item.shape().elements() * dtype.bytes();
            for (long at = 0; at < bytes; at += PIECE) {
              piece.clear().limit((int) Math.min(PIECE, bytes - at));
              item.source().read(MemorySegment.ofBuffer(piece), at);
              writeAll(channel, piece);
            }
          }
        });
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static List<Item> items(ModelDescription model, ModelTensors tensors, int paddedVocab) {
    List<Item> items = new ArrayList<>();
    for (LlmCCheckpoint.Kind kind : LlmCCheckpoint.kinds(model)) {
      for (String name : kind.names(model)) {
        Parameter parameter = tensors.find(name);
        items.add(
            parameter == null
                ? tensors.zeros(name, Shape.of(kind.rows()))
                : tensors.rows(name, parameter, 0, kind.rows()));
      }
      if (items.size() == 1 && paddedVocab > model.vocab()) {
        items.add(tensors.zeros("padding", Shape.of(paddedVocab - model.vocab(), model.embd())));
      }
    }
    return items;
  }
}
