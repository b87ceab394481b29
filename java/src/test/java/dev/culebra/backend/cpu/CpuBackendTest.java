package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.Ops;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Not covered by the operations' contract: memory, names, elements out of range. */
class CpuBackendTest {
  private final CpuBackend backend = new CpuBackend(1);
  private final Ops ops = backend.ops();
  private final Buffer memory = backend.allocate(1 << 20);
  private long used;

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

  private Tensor floats(int... dims) {
    return tensor(DType.F32, dims);
  }

  @Test
  void nameHasThreadsAndVectors() {
    assertThat(backend.name()).matches("cpu \\(1 thread, (no vectors|\\d+-bit vectors)\\)");
  }

  @Test
  void countsLiveMemory() {
    Buffer other = backend.allocate(1000);
    assertThat(backend.memory().liveBuffers()).isEqualTo(2);
    assertThat(backend.memory().liveBytes()).isEqualTo((1 << 20) + 1000);
    other.close();
    other.close();
    assertThat(backend.memory().liveBuffers()).isEqualTo(1);
    assertThat(backend.memory().peakBytes()).isEqualTo((1 << 20) + 1000);
  }

  @Test
  void memoryIsZeroAndCostsNothingBeforeItIsUsed() throws IOException {
    long bytes = 1L << 30;
    long before = residentBytes();
    try (Buffer large = backend.allocate(bytes)) {
      assertThat(residentBytes() - before).isLessThan(bytes / 4);
      for (long at = 0; at < bytes; at += bytes / 16) {
        assertThat(large.segment().get(ValueLayout.JAVA_LONG, at)).isZero();
      }
    }
  }

  @Test
  void memoryIsZeroAgainAfterItWasUsed() {
    for (long bytes : new long[] {1, 100, 4096, 1 << 20, 1 << 26}) {
      for (int i = 0; i < 3; i++) {
        try (Buffer used = backend.allocate(bytes)) {
          assertThat(used.address() % 64).isZero();
          assertThat(used.bytes()).isEqualTo(bytes);
          assertThat(used.segment().mismatch(MemorySegment.ofArray(new byte[(int) bytes])))
              .isEqualTo(-1);
          used.segment().fill((byte) 1);
        }
      }
    }
  }

  @Test
  void memoryThatTheSystemRefusesIsAnErrorOfTheDevice() {
    assertThatThrownBy(() -> backend.allocate(1L << 50))
        .isInstanceOf(OutOfDeviceMemoryException.class)
        .hasMessage(
            "not enough memory for %,d bytes more (%,d in use)".formatted(1L << 50, 1 << 20));
  }

  /** Of this process, the second number of {@code statm} in pages of 4 KiB. */
  private static long residentBytes() throws IOException {
    return 4096 * Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]);
  }

  @Test
  void aClosedTensorIsRejected() {
    Buffer closed = backend.allocate(64);
    Tensor gone = new Tensor(closed, 0, DType.F32, Shape.of(4));
    closed.close();
    Tensor out = floats(4);
    assertThatThrownBy(() -> ops.elementwise().add(out, gone, out))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> ops.elementwise().fill(gone, 1))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void elementsOutOfRangeAreNamed() {
    Tensor tokens = tensor(DType.I32, 1, 2);
    Tensor out = floats(1, 2, 3);
    Tensor table = floats(5, 3);
    tokens.setInt(1, 5);
    assertThatThrownBy(() -> ops.embedding().forward(out, tokens, table, null, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("embeddingForward: token 5 at element 1 is not in the table's 0 to 4");
    tokens.setInt(1, -2);
    assertThatThrownBy(() -> ops.embedding().backward(table, null, out, tokens))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("token -2");
    Tensor logits = floats(2, 4);
    Tensor targets = tokens.reshape(Shape.of(2));
    assertThatThrownBy(
            () -> ops.crossEntropy().forward(floats(2), floats(1), logits, targets, 4, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("target -2 of row 1");
    tokens.setInt(1, 0);
    Tensor offset = tensor(DType.I32, 1);
    offset.setInt(0, 4);
    assertThatThrownBy(() -> ops.embedding().forward(out, tokens, table, table, offset))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "embeddingForward: positions 4 to 5 are not all in the position table's 0 to 4");
  }
}
