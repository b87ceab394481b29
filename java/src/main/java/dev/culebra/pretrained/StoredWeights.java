package dev.culebra.pretrained;

import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.io.FileErrors;
import dev.culebra.io.Owned;
import dev.culebra.tensor.BFloat16;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of one or several files, by name. They are not kept in memory: elements of any type
 * are read in pieces and converted to floats. One thread at a time.
 */
final class StoredWeights implements AutoCloseable {
  private static final int BUFFER = 1 << 22;
  private static final ValueLayout.OfFloat F32_ELEMENT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort HALF_ELEMENT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Types of stored elements. */
  enum Type {
    F32(4),
    F16(2),
    BF16(2);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    int bytes() {
      return bytes;
    }

    /** Converts the elements of {@code buffer} to floats, exactly. */
    void widen(ByteBuffer buffer, MemorySegment floats) {
      MemorySegment stored = MemorySegment.ofBuffer(buffer.flip());
      int count = (int) (floats.byteSize() / Float.BYTES);
      switch (this) {
        case F32 ->
            MemorySegment.copy(stored, F32_ELEMENT, 0, floats, ValueLayout.JAVA_FLOAT, 0, count);
        case F16 -> {
          for (int i = 0; i < count; i++) {
            float value = Float.float16ToFloat(stored.getAtIndex(HALF_ELEMENT, i));
            floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
          }
        }
        case BF16 -> {
          for (int i = 0; i < count; i++) {
            float value = BFloat16.toFloat(stored.getAtIndex(HALF_ELEMENT, i));
            floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
          }
        }
      }
    }
  }

  /**
   * A tensor in a file.
   *
   * @param dtype as named in the file; may be none of {@link Type}
   * @param dims its dimensions
   * @param offset its first byte
   */
  record Stored(Path file, FileChannel channel, String dtype, List<Integer> dims, long offset) {}

  private final Owned owned = new Owned();
  private final Map<String, Stored> tensors = new LinkedHashMap<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);

  /** Opens a file before its tensors are added. */
  FileChannel open(Path file) throws IOException {
    try {
      return owned.add(FileChannel.open(file, StandardOpenOption.READ));
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /** Adds all tensors of a safetensors file. */
  void add(Path file) throws IOException {
    FileChannel channel = open(file);
    try (Safetensors safetensors = Safetensors.open(file)) {
      for (String name : safetensors.names()) {
        Safetensors.Place place = safetensors.place(name);
        add(name, new Stored(file, channel, place.dtype(), place.dims(), place.offset()));
      }
    }
  }

  /**
   * Adds a tensor.
   *
   * @throws CheckpointException if there already is one with that name
   */
  void add(String name, Stored tensor) throws CheckpointException {
    if (tensors.put(name, tensor) != null) {
      throw new CheckpointException("%s has tensor %s twice".formatted(tensor.file(), name));
    }
  }

  Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /** The tensor of this name, or null. */
  Stored find(String name) {
    return tensors.get(name);
  }

  /**
   * Reads elements from {@code first} on.
   *
   * @param floats F32, as many as requested
   */
  void read(Stored tensor, long first, MemorySegment floats) throws IOException {
    Type type = type(tensor);
    long count = floats.byteSize() / Float.BYTES;
    int most = BUFFER / type.bytes();
    for (long done = 0; done < count; ) {
      int piece = (int) Math.min(most, count - done);
      fill(tensor, tensor.offset() + (first + done) * type.bytes(), piece * type.bytes());
      type.widen(buffer, floats.asSlice(done * Float.BYTES, (long) piece * Float.BYTES));
      done += piece;
    }
  }

  private static Type type(Stored tensor) throws CheckpointException {
    for (Type type : Type.values()) {
      if (type.name().equals(tensor.dtype())) {
        return type;
      }
    }
    throw new CheckpointException(
        "%s has numbers of type %s: only F32, F16 and BF16 are supported"
            .formatted(tensor.file(), tensor.dtype()));
  }

  private void fill(Stored tensor, long at, int bytes) throws IOException {
    buffer.clear().limit(bytes);
    try {
      while (buffer.hasRemaining()) {
        if (tensor.channel().read(buffer, at + buffer.position()) < 0) {
          throw new CheckpointException(tensor.file() + " is truncated");
        }
      }
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException("cannot read " + tensor.file() + ": " + FileErrors.reason(e), e);
    }
  }

  @Override
  public void close() {
    owned.close();
  }
}
