package dev.culebra.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TensorTest {
  private final Backend backend = new CpuBackend(1);
  private final Buffer buffer = backend.allocate(64);
  private final Tensor tensor = new Tensor(buffer, 16, DType.F32, Shape.of(3, 4));

  @AfterEach
  void close() {
    buffer.close();
    backend.close();
  }

  @Test
  void knowsItsAddress() {
    assertThat(tensor.elements()).isEqualTo(12);
    assertThat(tensor.bytes()).isEqualTo(48);
    assertThat(tensor.address()).isEqualTo(buffer.address() + 16);
    assertThat(tensor.segment().byteSize()).isEqualTo(48);
    assertThat(tensor).hasToString("F32 (3, 4)");
  }

  @Test
  void startsAsZeros() {
    assertThat(backend.readFloatsBlocking(tensor)).containsOnly(0);
  }

  @Test
  void viewsShareTheirElements() {
    tensor.setFloat(5, 1.5f);
    assertThat(tensor.reshape(Shape.of(12)).getFloat(5)).isEqualTo(1.5f);
    assertThat(tensor.slice(4, Shape.of(2, 2)).getFloat(1)).isEqualTo(1.5f);
    assertThat(tensor.slice(4, Shape.of(4)).slice(1, Shape.of(1)).getFloat(0)).isEqualTo(1.5f);
  }

  @Test
  void uploadsAndReadsBack() {
    float[] values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    backend.upload(tensor, values);
    values[0] = -1;
    assertThat(backend.readFloatsBlocking(tensor))
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    assertThat(backend.readFloatBlocking(tensor.slice(8, Shape.of(4)))).isEqualTo(9);
    Tensor ints = new Tensor(buffer, 0, DType.I32, Shape.of(2));
    backend.upload(ints, new int[] {-7, 8});
    assertThat(ints.getInt(1)).isEqualTo(8);
    assertThat(backend.readIntBlocking(ints)).isEqualTo(-7);
  }

  @Test
  void aSliceMustLieInside() {
    assertThat(tensor.slice(8, Shape.of(4)).elements()).isEqualTo(4);
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> tensor.slice(9, Shape.of(4)))
        .withMessage("slice (4) at element 9 does not fit into (3, 4)");
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> tensor.slice(-1, Shape.of(4)));
  }

  @Test
  void reshapingKeepsTheNumberOfElements() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> tensor.reshape(Shape.of(5)))
        .withMessage("cannot view (3, 4) as (5)");
  }

  @Test
  void mustFitIntoItsBuffer() {
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> new Tensor(buffer, 20, DType.F32, Shape.of(12)))
        .withMessage("F32 (12) at byte 20 does not fit into a buffer of 64 bytes");
    assertThat(new Tensor(buffer, 20, DType.BF16, Shape.of(12)).bytes()).isEqualTo(24);
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> new Tensor(buffer, -4, DType.F32, Shape.of(1)));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> tensor.getFloat(12));
  }

  @Test
  void cannotBeUsedOnceItsBufferIsClosed() {
    tensor.setFloat(0, 1);
    buffer.close();
    buffer.close();
    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> tensor.getFloat(0));
    assertThat(backend.memory().liveBuffers()).isZero();
    assertThat(backend.memory().peakBytes()).isEqualTo(64);
  }
}
