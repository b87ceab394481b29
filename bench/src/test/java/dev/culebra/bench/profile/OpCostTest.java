package dev.culebra.bench.profile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OpCostTest {
  private static final int ROWS = 6;
  private static final int WIDTH = 8;
  private static final double BYTES = 4.0 * ROWS * WIDTH;

  private final Backend backend = new CpuBackend(1);
  private final Buffer buffer = backend.allocate(1 << 16);

  @AfterEach
  void close() {
    buffer.close();
    backend.close();
  }

  private Tensor tensor(int... dims) {
    return new Tensor(buffer, 0, DType.F32, Shape.of(dims));
  }

  @Test
  void whatIsReadAndWrittenCountsTwice() {
    Tensor flat = tensor(ROWS * WIDTH);
    Object[] adamW = {null, flat, flat, flat, flat, null, 0L, null};
    assertThat(OpCost.of("adamW", adamW).bytes()).isEqualTo(7 * BYTES);
    Tensor rows = tensor(ROWS, WIDTH);
    Object[] inPlace = {rows, rows, rows, Activation.GELU_TANH};
    assertThat(OpCost.of("activationBackward", inPlace).bytes()).isEqualTo(3 * BYTES);
    Object[] logits = {null, null, rows, null, WIDTH, 1f};
    assertThat(OpCost.of("crossEntropyForwardBackward", logits).bytes()).isEqualTo(2 * BYTES);
    Object[] sum = {rows, null, null, rows, rows, null, null, null};
    assertThat(OpCost.of("residualLayerNormBackward", sum).bytes()).isEqualTo(4 * BYTES);
  }

  @Test
  void aTableGetsTheRowsThatThereAreTokensFor() {
    Object[] arguments = {tensor(100, WIDTH), tensor(3, WIDTH), tensor(2, 3, WIDTH), null};
    double moved = BYTES + 2 * 4.0 * WIDTH * (ROWS + 3);
    assertThat(OpCost.of("embeddingBackward", arguments).bytes()).isEqualTo(moved);
  }

  @Test
  void aProductIsMeasuredByItsOperations() {
    Tensor out = tensor(ROWS, 16);
    Object[] arguments = {out, null, tensor(ROWS, WIDTH), tensor(16, WIDTH), null, null};
    OpCost cost = OpCost.of("linearForward", arguments);
    assertThat(cost.flops()).isEqualTo(2.0 * ROWS * 16 * WIDTH);
    assertThat(cost.bytes()).isZero();
  }
}
