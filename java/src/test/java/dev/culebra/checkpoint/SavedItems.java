package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/** Tensors to save, filled with noise derived from their names. */
final class SavedItems {
  private SavedItems() {}

  static Item item(String name, DType dtype, int... dims) {
    Shape shape = Shape.of(dims);
    byte[] content = new byte[(int) shape.elements() * dtype.bytes()];
    new Random(name.hashCode()).nextBytes(content);
    return item(name, dtype, shape, content);
  }

  static Item item(String name, DType dtype, Shape shape, byte[] content) {
    MemorySegment bytes = MemorySegment.ofArray(content);
    return new Item(
        name,
        dtype,
        shape,
        (piece, offset) -> piece.copyFrom(bytes.asSlice(offset, piece.byteSize())));
  }

  /** Compares every byte of every tensor. */
  static void assertEqual(Safetensors read, List<Item> items) throws IOException {
    for (Item item : items) {
      MemorySegment tensor = read.tensor(item.name(), item.dtype(), item.shape());
      MemorySegment expected = MemorySegment.ofArray(new byte[(int) item.bytes()]);
      item.source().read(expected, 0);
      assertThat(tensor.byteSize()).isEqualTo(expected.byteSize());
      assertThat(tensor.mismatch(expected)).as(item.name()).isEqualTo(-1);
    }
  }
}
