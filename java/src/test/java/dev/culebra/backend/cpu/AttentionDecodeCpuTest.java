package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Ops;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Not covered by the contract: attention while decoding, called so often that C2 compiles it. */
class AttentionDecodeCpuTest {
  private static final int WIDTH = 70;
  private static final int HEADS = 2;
  private static final int CAPACITY = 131;

  private final CpuBackend backend = new CpuBackend(1);
  private final Ops ops = backend.ops();
  private final Buffer memory = backend.allocate(1 << 20);
  private final Random random = new Random(1);
  private long used;

  private final Tensor out = tensor(DType.F32, 1, WIDTH);
  private final Tensor keys = normal(1, CAPACITY, WIDTH);
  private final Tensor values = normal(1, CAPACITY, WIDTH);
  private final Tensor qkv = normal(1, 3 * WIDTH);
  private final Tensor position = tensor(DType.I32, 1);

  @AfterEach
  void close() {
    memory.close();
    backend.close();
  }

  private Tensor tensor(DType dtype, int... dims) {
    Tensor tensor = new Tensor(memory, used, dtype, Shape.of(dims));
    used += Math.ceilDiv(tensor.bytes(), 64) * 64;
    return tensor;
  }

  private Tensor normal(int... dims) {
    Tensor tensor = tensor(DType.F32, dims);
    for (int i = 0; i < tensor.elements(); i++) {
      tensor.setFloat(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private void decode() {
    ops.attentionDecode().forward(out, keys, values, qkv, position, HEADS);
  }

  @Test
  void keepsItsBitsWhileTheCompilersTakeOver() {
    int[] positions = {0, 2, 15, 16, 17, 66, CAPACITY - 1};
    float[][] first = new float[positions.length][];
    for (int call = 0; call < 14_000; call++) {
      int i = call % positions.length;
      position.setInt(0, positions[i]);
      decode();
      if (call < positions.length) {
        first[i] = out.segment().toArray(JAVA_FLOAT);
      }
      long differs = MemorySegment.ofArray(first[i]).mismatch(out.segment());
      assertThat(differs).as("byte that differs in call %d", call).isEqualTo(-1);
    }
  }
}
