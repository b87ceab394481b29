package dev.culebra.backend;

import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Converts between numbers and the bytes of tensors. */
final class Elements {
  private Elements() {}

  /** {@code value} as stored in a tensor of {@code dtype}. */
  static double rounded(DType dtype, double value) {
    return switch (dtype) {
      case F32 -> (float) value;
      case BF16 -> BFloat16.rounded((float) value);
      case I32, I8 -> value;
    };
  }

  static float[] rounded(DType dtype, float[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = (float) rounded(dtype, values[i]);
    }
    return rounded;
  }

  static byte[] bytes(DType dtype, float[] values) {
    ByteBuffer bytes = buffer(new byte[values.length * dtype.bytes()]);
    for (float value : values) {
      switch (dtype) {
        case F32 -> bytes.putFloat(value);
        case BF16 -> bytes.putShort(BFloat16.fromFloat(value));
        case I32, I8 -> throw new IllegalArgumentException(dtype + " holds integers");
      }
    }
    return bytes.array();
  }

  static byte[] bytes(int[] values) {
    ByteBuffer bytes = buffer(new byte[values.length * Integer.BYTES]);
    bytes.asIntBuffer().put(values);
    return bytes.array();
  }

  static double[] values(DType dtype, byte[] bytes) {
    int[] bits = bits(dtype, bytes);
    double[] values = new double[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] =
          switch (dtype) {
            case F32 -> Float.intBitsToFloat(bits[i]);
            case BF16 -> BFloat16.toFloat((short) bits[i]);
            case I32, I8 -> bits[i];
          };
    }
    return values;
  }

  /** The bits of each element. */
  static int[] bits(DType dtype, byte[] bytes) {
    ByteBuffer buffer = buffer(bytes);
    int[] bits = new int[bytes.length / dtype.bytes()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = dtype == DType.BF16 ? buffer.getShort() : buffer.getInt();
    }
    return bits;
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }
}
