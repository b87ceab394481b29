package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Invalid arguments other than single wrong tensors, which {@link Rejections} covers for every
 * operation.
 */
class OpArgumentsTest {
  private final Backend backend = new CpuBackend(1);
  private final Backend halfBackend = new Bf16EmulationBackend(1);
  private final Ops single = backend.ops();
  private final Ops half = halfBackend.ops();
  private final Buffer buffer = backend.allocate(1 << 16);
  private long used;
  private final AdamWStep clipping = new AdamWStep(1, 1, 0.9f, 0.9f, 1e-8f, 0, 1, 0);

  @AfterEach
  void close() {
    buffer.close();
    backend.close();
    halfBackend.close();
  }

  private Tensor zeros(DType dtype, int... dims) {
    Tensor tensor = new Tensor(buffer, used, dtype, Shape.of(dims));
    used += Math.ceilDiv(tensor.bytes(), 64) * 64;
    return tensor;
  }

  private Tensor floats(int... dims) {
    return zeros(DType.F32, dims);
  }

  private Tensor halves(int... dims) {
    return zeros(DType.BF16, dims);
  }

  private Tensor ints(int... dims) {
    return zeros(DType.I32, dims);
  }

  private static void assertRejected(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }

  private void linear(Tensor in, Tensor weight, Tensor out, Activation activation) {
    single.linear().forward(out, null, in, weight, null, activation);
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
                single
                    .crossEntropy()
                    .forward(floats(6), floats(1), floats(2, 3, 8), ints(2, 3), 5, 1))
        .doesNotThrowAnyException();
  }

  @Test
  void aPreActivationNeedsAnActivation() {
    assertRejected(
        "linearForward: preActivation must be null if the activation is IDENTITY",
        () ->
            single
                .linear()
                .forward(
                    floats(4, 5),
                    floats(4, 5),
                    floats(4, 7),
                    floats(5, 7),
                    null,
                    Activation.IDENTITY));
  }

  @Test
  void headsMustDivideTheWidth() {
    AttentionSpec spec = new AttentionSpec(4, true, DropoutSpec.NONE);
    assertRejected(
        "attentionForward: 4 heads do not divide the width of out (B, T, C) = F32 (1, 2, 6)",
        () -> single.attention().forward(floats(1, 2, 6), floats(1, 4, 2), floats(1, 2, 18), spec));
    assertRejected(
        "attentionForward: logSumExp (B, heads, T) = F32 (1, 2, 4) does not fit"
            + " qkv (B, T, 3C) = F32 (1, 2, 24) with 4 heads",
        () -> single.attention().forward(floats(1, 2, 8), floats(1, 2, 4), floats(1, 2, 24), spec));
    assertRejected(
        "attentionDecode: 0 heads do not divide the width of out (B, C) = F32 (1, 6)",
        () ->
            single
                .attentionDecode()
                .forward(
                    floats(1, 6), floats(1, 9, 6), floats(1, 9, 6), floats(1, 18), ints(1), 0));
  }

  @Test
  void cachesMustHaveRoomForThePrompt() {
    assertRejected(
        "cacheKeysValues: keys (B, capacity ≥ T, kvHeads · D) = F32 (1, 3, 2) does not fit"
            + " qkv (B, T, 3C) = F32 (1, 4, 6)",
        () ->
            single
                .attentionDecode()
                .cacheKeysValues(floats(1, 3, 2), floats(1, 3, 2), floats(1, 4, 6), 1));
    assertRejected(
        "cacheKeysValues: keys (B, capacity, kvHeads · D) = F32 (1, 4, 8) does not fit"
            + " qkv (B, T, 3C) = F32 (1, 4, 36)",
        () ->
            single
                .attentionDecode()
                .cacheKeysValues(floats(1, 4, 8), floats(1, 4, 8), floats(1, 4, 36), 3));
  }

  @Test
  void headsMustFitTheProjection() {
    HeadsSpec spec = new HeadsSpec(4, 2, false, true);
    assertRejected(
        "headsForward: in (B, T, (heads + 2 kvHeads) D) = F32 (1, 2, 24) does not fit"
            + " qkv (B, T, 3C) = F32 (1, 2, 24)",
        () -> single.heads().forward(floats(1, 2, 24), floats(1, 2, 24), null, null, null, spec));
    assertRejected(
        "headsForward: rotary needs heads of even size",
        () -> single.heads().forward(floats(1, 2, 36), floats(1, 2, 24), null, null, null, spec));
    assertRejected(
        "headsForward: scales need normalised queries and keys",
        () ->
            single
                .heads()
                .forward(floats(1, 2, 24), floats(1, 2, 16), floats(2), floats(2), null, spec));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new HeadsSpec(4, 2, true, 0, Rotation.NONE))
        .withMessage("epsilon must be above 0, not 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new HeadsSpec(4, 3, false, false))
        .withMessage("kvHeads must divide heads: 3 kvHeads, 4 heads");
  }

  @Test
  void capsMustBePositive() {
    assertRejected(
        "softcapForward: cap must be above 0",
        () -> single.softcap().forward(floats(3), floats(3), 0));
  }

  @Test
  void positionsMustCoverTheTime() {
    assertRejected(
        "embeddingForward: positionTable (≥ T, C) = F32 (3, 2) does not fit"
            + " tokens (B, T) = I32 (1, 4)",
        () ->
            single
                .embedding()
                .forward(floats(1, 4, 2), ints(1, 4), floats(9, 2), floats(3, 2), null));
  }

  @Test
  void vocabularyMustFitTheLogits() {
    assertRejected(
        "crossEntropyForward: vocab 9 does not fit logits (N, ≥ vocab) = F32 (2, 8)",
        () -> single.crossEntropy().forward(floats(2), floats(1), floats(2, 8), ints(2), 9, 1));
    RandomKey key = new RandomKey(ints(4), 0);
    SamplingSpec spec = new SamplingSpec(1, 0, 1);
    assertRejected(
        "sample: vocab 0 does not fit logits (N, ≥ vocab) = F32 (2, 8)",
        () -> single.sampling().sample(ints(2), floats(2, 8), 0, spec, key));
    assertRejected(
        "sample: key is missing",
        () -> single.sampling().sample(ints(2), floats(2, 8), 8, spec, null));
  }

  @Test
  void invalidStepNumbersAreRejected() {
    AdamWStep zeroth = new AdamWStep(0, 1, 0.9f, 0.9f, 1e-8f, 0, 0, 0);
    assertRejected("adamW: step must be at least 1", () -> adamW(floats(1), 0, zeroth));
    assertRejected(
        "adamW: gradientNorm may be null only if maxNorm is 0", () -> adamW(null, 0, clipping));
    assertRejected(
        "adamW: decayed 8 does not fit values = F32 (7)", () -> adamW(floats(1), 8, clipping));
    assertRejected(
        "adamW: decayed -1 does not fit values = F32 (7)", () -> adamW(floats(1), -1, clipping));
  }

  private void adamW(Tensor norm, long decayed, AdamWStep step) {
    single.adamW().update(null, floats(7), floats(7), floats(7), floats(7), norm, decayed, step);
  }

  @Test
  void activationsAndWeightsMustHaveTheBackendsType() {
    assertRejected(
        "linearForward: in (N, IC) must be BF16, not F32 (4, 7)",
        () ->
            half.linear()
                .forward(
                    halves(4, 5), null, floats(4, 7), halves(5, 7), null, Activation.IDENTITY));
    assertRejected(
        "linearForward: bias (OC) must be BF16, not F32 (5)",
        () ->
            half.linear()
                .forward(
                    halves(4, 5),
                    null,
                    halves(4, 7),
                    halves(5, 7),
                    floats(5),
                    Activation.IDENTITY));
    assertRejected(
        "linearForward: in (N, IC) must be F32, not BF16 (4, 7)",
        () -> linear(halves(4, 7), floats(5, 7), floats(4, 5), Activation.RELU));
  }

  @Test
  void aPreActivationIsGivenWithItsActivation() {
    Tensor x = floats(4, 7);
    Tensor weight = floats(7, 7);
    String message =
        "linearBackward: inPreActivation must be null if and only if inActivation is IDENTITY";
    assertRejected(
        message,
        () -> single.linear().backward(x, weight, null, x, x, weight, x, Activation.IDENTITY));
    assertRejected(
        message,
        () -> single.linear().backward(x, weight, null, x, x, weight, null, Activation.RELU));
    assertRejected(
        "linearBackward: inActivation is missing",
        () -> single.linear().backward(x, weight, null, x, x, weight, null, null));
  }

  @Test
  void parameterGradientsAndStatisticsMustBeF32() {
    Tensor x = halves(4, 7);
    assertThatCode(
            () -> {
              half.linear()
                  .backward(x, floats(7, 7), floats(7), x, x, halves(7, 7), x, Activation.RELU);
              half.layerNorm()
                  .backward(
                      x, floats(7), floats(7), floats(7), x, x, floats(4), floats(4), halves(7));
              half.embedding().backward(floats(9, 7), floats(2, 7), x, ints(2, 2));
            })
        .doesNotThrowAnyException();
    assertRejected(
        "linearBackward: dWeight (OC, IC) must be F32, not BF16 (7, 7)",
        () ->
            half.linear()
                .backward(x, halves(7, 7), null, x, x, halves(7, 7), null, Activation.IDENTITY));
    assertRejected(
        "layerNormForward: mean (N) must be F32, not BF16 (4)",
        () -> half.layerNorm().forward(x, halves(4), floats(4), x, halves(7), null, 1e-5f));
    assertRejected(
        "crossEntropyForward: losses (N) must be F32, not BF16 (4)",
        () -> half.crossEntropy().forward(halves(4), floats(1), x, ints(4), 7, 1));
    assertRejected(
        "norm: in must be F32, not BF16 (4, 7)", () -> half.norm().compute(floats(1), x));
  }

  @Test
  void fillAcceptsBothFloatTypes() {
    assertThatCode(
            () -> {
              half.elementwise().fill(halves(3), 1);
              half.elementwise().fill(floats(3), 1);
            })
        .doesNotThrowAnyException();
    assertRejected("fill: out must be F32, not I32 (3)", () -> half.elementwise().fill(ints(3), 1));
    assertRejected(
        "fill: out must be F32, not BF16 (3)", () -> single.elementwise().fill(halves(3), 1));
  }

  @Test
  void onlyBf16WeightsAreCopiedFromTheValues() {
    Tensor values = floats(7);
    assertThatCode(
            () ->
                half.adamW()
                    .update(halves(7), values, values, values, values, floats(1), 7, clipping))
        .doesNotThrowAnyException();
    assertRejected(
        "adamW: weights must be null if the backend's dtype is F32",
        () ->
            single
                .adamW()
                .update(halves(7), values, values, values, values, floats(1), 7, clipping));
    assertRejected(
        "adamW: weights is missing",
        () -> half.adamW().update(null, values, values, values, values, floats(1), 7, clipping));
    assertRejected(
        "adamW: weights = BF16 (8) does not fit values = F32 (7)",
        () ->
            half.adamW().update(halves(8), values, values, values, values, floats(1), 7, clipping));
  }

  @Test
  void conversionNeedsTwoFloatTypes() {
    assertThatCode(
            () -> {
              single.elementwise().convert(halves(6), floats(2, 3));
              half.elementwise().convert(floats(6), halves(6));
            })
        .doesNotThrowAnyException();
    assertRejected(
        "convert: in must be BF16, not F32 (6)",
        () -> single.elementwise().convert(floats(6), floats(6)));
    assertRejected(
        "convert: in must be F32, not BF16 (6)",
        () -> single.elementwise().convert(halves(6), halves(6)));
    assertRejected(
        "convert: out must be F32, not I32 (6)",
        () -> single.elementwise().convert(ints(6), halves(6)));
    assertRejected(
        "convert: out = BF16 (5) does not fit in = F32 (6)",
        () -> single.elementwise().convert(halves(5), floats(6)));
  }

  @Test
  void aBackendCannotComputeInIntegers() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OpContext(DType.I32))
        .withMessage("activations cannot be I32");
  }
}
