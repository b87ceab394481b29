package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OpListenerTest {
  private static final int ROWS = 6;
  private static final int WIDTH = 8;
  private static final double BYTES = 4.0 * ROWS * WIDTH;

  private final Backend backend = new CpuBackend(1);
  private final Ops ops = backend.ops();
  private final Buffer buffer = backend.allocate(1 << 16);
  private final List<String> events = new ArrayList<>();
  private final List<OpCall> calls = new ArrayList<>();
  private long used;

  @BeforeEach
  void listen() {
    ops.listen(
        new OpListener() {
          @Override
          public void begin() {
            events.add("begin");
          }

          @Override
          public void end() {
            events.add("end");
          }

          @Override
          public void called(OpCall call) {
            events.add(call.op());
            calls.add(call);
          }
        });
  }

  @AfterEach
  void close() {
    buffer.close();
    backend.close();
  }

  private Tensor tensor(DType dtype, int... dims) {
    Tensor tensor = new Tensor(buffer, used, dtype, Shape.of(dims));
    used += Math.ceilDiv(tensor.bytes(), 64) * 64;
    return tensor;
  }

  private Tensor floats(int... dims) {
    return tensor(DType.F32, dims);
  }

  private double lastBytes() {
    assertThat(calls.getLast().flops()).isZero();
    return calls.getLast().bytes();
  }

  @Test
  void stepsInsideAnOperationAreNotReported() {
    Tensor x = floats(ROWS, WIDTH);
    Tensor weight = floats(WIDTH, WIDTH);
    ops.linear().backward(x, weight, null, x, x, weight, floats(ROWS, WIDTH), Activation.RELU);
    assertThat(events).containsExactly("begin", "end", "linearBackward");
  }

  @Test
  void aRejectedCallIsNotReported() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ops.elementwise().add(floats(1), floats(2), floats(1)));
    assertThat(events).isEmpty();
  }

  @Test
  void nullRemovesTheListener() {
    ops.listen(null);
    ops.elementwise().fill(floats(1), 1);
    assertThat(events).isEmpty();
  }

  @Test
  void aTensorReadAndWrittenCountsTwice() {
    Tensor x = floats(ROWS, WIDTH);
    AdamWStep step = new AdamWStep(1, 1, 0.9f, 0.9f, 1e-8f, 0, 0, 0);
    ops.adamW().update(null, x, floats(ROWS, WIDTH), x, x, null, 0, step);
    assertThat(lastBytes()).isEqualTo(7 * BYTES);
    ops.activation().backward(x, x, x, Activation.GELU_TANH);
    assertThat(lastBytes()).isEqualTo(3 * BYTES);
    Tensor rows = floats(ROWS);
    ops.crossEntropy().forwardBackward(rows, floats(1), x, tensor(DType.I32, ROWS), WIDTH, 1);
    assertThat(lastBytes()).isEqualTo(2 * BYTES + 2 * rows.bytes() + 4);
    Tensor weight = floats(WIDTH);
    ops.layerNorm().residualBackward(x, weight, null, null, x, x, null, rows, weight);
    assertThat(lastBytes()).isEqualTo(4 * BYTES + rows.bytes() + 3 * weight.bytes());
  }

  @Test
  void onlyTheTokensRowsOfATableCount() {
    Tensor tokens = tensor(DType.I32, 2, 3);
    ops.embedding().backward(floats(100, WIDTH), floats(3, WIDTH), floats(2, 3, WIDTH), tokens);
    assertThat(lastBytes()).isEqualTo(BYTES + 2 * 4.0 * WIDTH * (ROWS + 3));
  }

  @Test
  void aProductIsMeasuredInFlops() {
    ops.linear()
        .forward(
            floats(2, 3, 16),
            null,
            floats(2, 3, WIDTH),
            floats(16, WIDTH),
            null,
            Activation.IDENTITY);
    double flops = 2.0 * ROWS * 16 * WIDTH;
    assertThat(calls).containsExactly(new OpCall("linearForward", "6 × (16, 8)", flops, 0));
  }
}
