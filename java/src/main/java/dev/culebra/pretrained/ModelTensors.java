package dev.culebra.pretrained;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/**
 * The parameters of a model as tensors for other programs' files. Biases that a file needs and the
 * model does not have are 0, which computes the same. One tensor at a time is on the host.
 */
final class ModelTensors {
  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort BF16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Parameters parameters;
  private final DType dtype;
  private final Map<String, Parameter> named = new HashMap<>();

  /** The item that {@link #values} belongs to; null before the first. */
  private Item held;

  private float[] values;

  /**
   * @param dtype of the files, F32 or BF16
   */
  ModelTensors(Gpt model, DType dtype) {
    this.parameters = model.parameters();
    this.dtype = dtype;
    parameters.list().forEach(parameter -> named.put(parameter.name(), parameter));
  }

  /** The parameter of this name, or null. */
  Parameter find(String name) {
    return named.get(name);
  }

  /** {@code rows} rows of a parameter, from {@code firstRow}. */
  Item rows(String name, Parameter parameter, int firstRow, int rows) {
    Shape saved = parameter.savedShape();
    Shape shape = saved.rank() == 1 ? Shape.of(rows) : Shape.of(rows, saved.dim(1));
    return item(name, shape, () -> read(parameter, firstRow, rows));
  }

  /** A parameter (out, in) as (in, out). */
  Item transposed(String name, Parameter parameter) {
    int out = parameter.savedShape().dim(0);
    int in = parameter.savedShape().dim(1);
    return item(name, Shape.of(in, out), () -> transpose(read(parameter, 0, out), out, in));
  }

  /** Zeros. */
  Item zeros(String name, Shape shape) {
    return item(name, shape, () -> new float[Math.toIntExact(shape.elements())]);
  }

  private float[] read(Parameter parameter, int firstRow, int rows) {
    long columns = parameter.savedShape().elements() / parameter.savedShape().dim(0);
    Tensor all = parameters.slice(parameters.values(), parameter);
    Shape wanted = Shape.of(Math.toIntExact(rows * columns));
    return parameters.backend().readFloatsBlocking(all.slice(firstRow * columns, wanted));
  }

  private static float[] transpose(float[] values, int rows, int columns) {
    float[] transposed = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        transposed[column * rows + row] = values[row * columns + column];
      }
    }
    return transposed;
  }

  /** Reads the values of an item when its first piece is requested. */
  private interface Values {
    float[] read();
  }

  private Item item(String name, Shape shape, Values source) {
    Item[] itself = new Item[1];
    itself[0] =
        new Item(
            name,
            dtype,
            shape,
            (piece, offset) -> {
              if (held != itself[0]) {
                values = source.read();
                held = itself[0];
              }
              write(values, Math.toIntExact(offset / dtype.bytes()), piece);
            });
    return itself[0];
  }

  private void write(float[] values, int first, MemorySegment piece) {
    int count = Math.toIntExact(piece.byteSize() / dtype.bytes());
    if (dtype == DType.F32) {
      MemorySegment.copy(values, first, piece, F32, 0, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      piece.setAtIndex(BF16, i, BFloat16.fromFloat(values[first + i]));
    }
  }
}
