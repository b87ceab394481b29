package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.sun.management.ThreadMXBean;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.management.ManagementFactory;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What is not seen by exchanging single tensors, which {@link Rejections} does for every operation.
 */
class OpChecksTest {
  private final Backend backend = new CpuBackend(1);
  private final Buffer buffer = backend.allocate(1 << 16);
  private final AdamWStep clipping = new AdamWStep(1, 1, 0.9f, 0.9f, 1e-8f, 0, 1);

  @AfterEach
  void close() {
    buffer.close();
    backend.close();
  }

  private Tensor floats(int... dims) {
    return new Tensor(buffer, 0, DType.F32, Shape.of(dims));
  }

  private Tensor ints(int... dims) {
    return new Tensor(buffer, 0, DType.I32, Shape.of(dims));
  }

  private static void assertRejected(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }

  private void linear(Tensor in, Tensor weight, Tensor out, Activation activation) {
    OpChecks.linearForward(out, null, in, weight, null, activation);
  }

  @Test
  void messagesNameTheTensorsAndTheirShapes() {
    assertRejected(
        "linearForward: weight (OC, IC) = F32 (5, 3) does not fit in (N, IC) = F32 (4, 7)",
        () -> linear(floats(4, 7), floats(5, 3), floats(4, 5), Activation.RELU));
    assertRejected(
        "linearForward: weight (OC, IC) must have 2 dimensions, not F32 (35)",
        () -> linear(floats(4, 7), floats(35), floats(4, 5), Activation.RELU));
    assertRejected(
        "linearForward: in (N, IC) must be F32, not I32 (4, 7)",
        () -> linear(ints(4, 7), floats(5, 7), floats(4, 5), Activation.RELU));
    assertRejected(
        "linearForward: weight (OC, IC) is missing",
        () -> linear(floats(4, 7), null, floats(4, 5), Activation.RELU));
    assertRejected(
        "linearForward: activation is missing",
        () -> linear(floats(4, 7), floats(5, 7), floats(4, 5), null));
  }

  @Test
  void leadingDimensionsOfActivationsAreFolded() {
    assertThatCode(() -> linear(floats(2, 3, 7), floats(5, 7), floats(6, 5), Activation.RELU))
        .doesNotThrowAnyException();
    assertRejected(
        "linearForward: out (N, OC) = F32 (2, 15) does not fit in (N, IC) = F32 (2, 3, 7)",
        () -> linear(floats(2, 3, 7), floats(5, 7), floats(2, 15), Activation.RELU));
    assertThatCode(
            () ->
                OpChecks.crossEntropyForward(
                    floats(6), floats(1), floats(2, 3, 8), ints(2, 3), 5, 1))
        .doesNotThrowAnyException();
  }

  @Test
  void preActivationIsOnlyForActivations() {
    assertRejected(
        "linearForward: preActivation must be null where the activation is IDENTITY",
        () ->
            OpChecks.linearForward(
                floats(4, 5), floats(4, 5), floats(4, 7), floats(5, 7), null, Activation.IDENTITY));
  }

  @Test
  void headsDivideTheWidth() {
    AttentionSpec spec = new AttentionSpec(4, true, DropoutSpec.NONE);
    assertRejected(
        "attentionForward: 4 heads do not divide the width of out (B, T, C) = F32 (1, 2, 6)",
        () -> OpChecks.attentionForward(floats(1, 2, 6), floats(1, 4, 2), floats(1, 2, 18), spec));
    assertRejected(
        "attentionForward: logSumExp (B, heads, T) = F32 (1, 2, 4) does not fit"
            + " qkv (B, T, 3C) = F32 (1, 2, 24) with 4 heads",
        () -> OpChecks.attentionForward(floats(1, 2, 8), floats(1, 2, 4), floats(1, 2, 24), spec));
    assertRejected(
        "attentionDecode: 0 heads do not divide the width of out (B, C) = F32 (1, 6)",
        () ->
            OpChecks.attentionDecode(
                floats(1, 6), floats(1, 9, 6), floats(1, 9, 6), floats(1, 18), ints(1), 0));
  }

  @Test
  void cachesHoldThePrompt() {
    assertRejected(
        "cacheKeysValues: keys (B, capacity ≥ T, C) = F32 (1, 3, 2) does not fit"
            + " qkv (B, T, 3C) = F32 (1, 4, 6)",
        () -> OpChecks.cacheKeysValues(floats(1, 3, 2), floats(1, 3, 2), floats(1, 4, 6)));
  }

  @Test
  void positionsCoverTheTime() {
    assertRejected(
        "embeddingForward: positionTable (≥ T, C) = F32 (3, 2) does not fit"
            + " tokens (B, T) = I32 (1, 4)",
        () ->
            OpChecks.embeddingForward(
                floats(1, 4, 2), ints(1, 4), floats(9, 2), floats(3, 2), null));
  }

  @Test
  void vocabularyFitsTheLogits() {
    assertRejected(
        "crossEntropyForward: vocab 9 does not fit logits (N, ≥ vocab) = F32 (2, 8)",
        () -> OpChecks.crossEntropyForward(floats(2), floats(1), floats(2, 8), ints(2), 9, 1));
    RandomKey key = new RandomKey(ints(4), 0);
    SamplingSpec spec = new SamplingSpec(1, 0, 1);
    assertRejected(
        "sample: vocab 0 does not fit logits (N, ≥ vocab) = F32 (2, 8)",
        () -> OpChecks.sample(ints(2), floats(2, 8), 0, spec, key));
    assertRejected(
        "sample: key is missing", () -> OpChecks.sample(ints(2), floats(2, 8), 8, spec, null));
  }

  @Test
  void numbersOfAStepMakeSense() {
    AdamWStep zeroth = new AdamWStep(0, 1, 0.9f, 0.9f, 1e-8f, 0, 0);
    assertRejected("adamW: step must be at least 1", () -> adamW(floats(1), 0, zeroth));
    assertRejected(
        "adamW: gradientNorm may be null only where maxNorm is 0", () -> adamW(null, 0, clipping));
    assertRejected(
        "adamW: decayed 8 does not fit values = F32 (7)", () -> adamW(floats(1), 8, clipping));
    assertRejected(
        "adamW: decayed -1 does not fit values = F32 (7)", () -> adamW(floats(1), -1, clipping));
  }

  private void adamW(Tensor norm, long decayed, AdamWStep step) {
    OpChecks.adamW(floats(7), floats(7), floats(7), floats(7), norm, decayed, step);
  }

  @Test
  void nothingIsAllocatedWhenEverythingFits() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Tensor x = floats(2, 3, 4);
    Tensor square = floats(4, 4);
    Tensor row = floats(4);
    Tensor qkv = floats(2, 3, 12);
    Tensor logSumExp = floats(2, 2, 3);
    Tensor one = floats(1);
    AttentionSpec spec = new AttentionSpec(2, true, DropoutSpec.NONE);
    Runnable checks =
        () -> {
          OpChecks.linearForward(x, null, x, square, row, Activation.RELU);
          OpChecks.linearBackward(x, square, row, x, x, square);
          OpChecks.attentionForward(x, logSumExp, qkv, spec);
          OpChecks.adamW(row, row, row, row, one, 2, clipping);
        };
    checks.run();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 1000; i++) {
      checks.run();
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    // A single object a round would be 16 000 bytes.
    assertThat(allocated).isLessThan(8_000);
  }
}
