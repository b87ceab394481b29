package dev.culebra.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.Recording;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.cuda.Binding;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.Optimizer;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A small GPT trains on a GPU, or in the simulator, as on the CPU. */
@Tag("cuda")
class CudaTrainingTest {
  private static final int BATCH = 4;
  private static final int TIME = 32;
  private static final int VOCAB = 37;
  private static final int STEPS = 50;
  private static final float RATE = 3e-3f;
  private static final GptConfig MODEL =
      new GptConfig(2, 4, 64, TIME, VOCAB, 0.1f, true, true, Activation.GELU_TANH);

  /** All features of newer papers. */
  private static final GptConfig NEWER =
      new GptConfig(2, 4, 64, TIME, VOCAB, 0.1f, false, false, Activation.SILU)
          .with(GptConfig.LLAMA)
          .with(GptConfig.QK_NORM, true)
          .with(GptConfig.KV_HEADS, 2)
          .with(GptConfig.SOFTCAP, 15f);

  /** Heads with specialised kernels on some GPUs. */
  private static final GptConfig LARGE_HEADS =
      new GptConfig(1, 2, 128, TIME, VOCAB, 0, true, true, Activation.GELU_TANH);

  /** A learnable text: each token follows from the previous one, with a little noise. */
  private static int[] text(int step) {
    RandomStream random = new RandomStream(5, 1, step);
    int[] text = new int[BATCH * (TIME + 1)];
    int token = random.nextInt(VOCAB);
    for (int i = 0; i < text.length; i++) {
      text[i] = token;
      token = random.nextInt(8) == 0 ? random.nextInt(VOCAB) : (token * 5 + 3) % VOCAB;
    }
    return text;
  }

  /** A training in progress. */
  private static final class Training implements AutoCloseable {
    private final Gpt model;
    private final Optimizer optimizer;
    private final Recording microStep;
    private int step;

    Training(Backend backend) {
      this(backend, MODEL, Optimizer.Kind.ADAMW);
    }

    Training(Backend backend, GptConfig config, Optimizer.Kind kind) {
      model = new Gpt(config, backend, 1337);
      model.plan(BATCH, TIME);
      optimizer = Optimizer.of(kind, model.parameters(), AdamW.Config.DEFAULT, 0);
      microStep =
          backend.record(
              () -> {
                model.forward();
                model.backward(1);
              });
    }

    void step() {
      int[] text = text(step);
      int[] inputs = new int[BATCH * TIME];
      int[] targets = new int[BATCH * TIME];
      for (int b = 0; b < BATCH; b++) {
        System.arraycopy(text, b * (TIME + 1), inputs, b * TIME, TIME);
        System.arraycopy(text, b * (TIME + 1) + 1, targets, b * TIME, TIME);
      }
      model.zeroGradients();
      model.load(MemorySegment.ofArray(inputs), MemorySegment.ofArray(targets));
      model.setDraw(1337, step);
      microStep.replay();
      optimizer.step(RATE);
      step++;
    }

    float[] losses(int steps) {
      float[] losses = new float[steps];
      for (int i = 0; i < steps; i++) {
        step();
        losses[i] = model.readLossBlocking();
      }
      return losses;
    }

    @Override
    public void close() {
      microStep.close();
      optimizer.close();
      model.close();
    }
  }

  private static float[] losses(Backend backend, int steps) {
    try (backend;
        Training training = new Training(backend)) {
      return training.losses(steps);
    }
  }

  static Stream<GptConfig> models() {
    return Stream.of(MODEL, NEWER);
  }

  private static float[] lossesOfNewer(Backend backend) {
    try (backend;
        Training training = new Training(backend, NEWER, Optimizer.Kind.MUON)) {
      return training.losses(STEPS / 2);
    }
  }

  @ParameterizedTest
  @CsvSource({"FFM, F32, 1e-2", "FFM, BF16, 1e-1", "JCUDA, BF16, 1e-1"})
  void aModelWithNewerFeaturesMatchesTheCpu(Binding binding, DType dtype, float tolerance) {
    float[] expected = lossesOfNewer(new CpuBackend(2));
    float[] actual = lossesOfNewer(TestGpu.open(binding, dtype));
    assertThat(expected[expected.length - 1]).isLessThan(0.7f * expected[0]);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i])
          .as("loss of step %d", i)
          .isCloseTo(expected[i], Offset.offset(tolerance));
    }
  }

  /** bf16 has 8 bits of precision; over 50 steps the losses drift apart accordingly. */
  @ParameterizedTest
  @CsvSource({"FFM, F32, 2e-3", "JCUDA, F32, 2e-3", "FFM, BF16, 6e-2"})
  void fiftyStepsMatchTheCpu(Binding binding, DType dtype, float tolerance) {
    float[] expected = losses(new CpuBackend(2), STEPS);
    float[] actual = losses(TestGpu.open(binding, dtype), STEPS);
    assertThat(expected[STEPS - 1]).isLessThan(0.6f * expected[0]);
    for (int i = 0; i < STEPS; i++) {
      assertThat(actual[i])
          .as("loss of step %d", i)
          .isCloseTo(expected[i], Offset.offset(tolerance));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"AUTO", "PORTABLE"})
  void largeHeadsMatchTheCpuWithAnyKernels(KernelChoice.Attention attention) {
    float[] expected = lossesOfLargeHeads(new CpuBackend(2));
    KernelChoice kernels = new KernelChoice(attention, KernelChoice.Products.AUTO);
    float[] actual = lossesOfLargeHeads(TestGpu.open(Binding.FFM, DType.BF16, kernels));
    assertThat(expected[expected.length - 1]).isLessThan(0.9f * expected[0]);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("loss of step %d", i).isCloseTo(expected[i], Offset.offset(6e-2f));
    }
    assertThat(lossesOfLargeHeads(TestGpu.open(Binding.FFM, DType.BF16, kernels)))
        .isEqualTo(actual);
  }

  private static float[] lossesOfLargeHeads(Backend backend) {
    try (backend;
        Training training = new Training(backend, LARGE_HEADS, Optimizer.Kind.ADAMW)) {
      return training.losses(15);
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, ADAMW", "BF16, ADAMW", "F32, MUON", "BF16, MUON"})
  void equalSeedsGiveEqualBits(DType dtype, Optimizer.Kind kind) {
    List<float[]> losses = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (CudaBackend backend = TestGpu.open(Binding.FFM, dtype);
          Training training = new Training(backend, MODEL, kind)) {
        losses.add(training.losses(4));
      }
    }
    assertThat(losses.getLast()).isEqualTo(losses.getFirst());
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aSteadyStepIsOneGraphWithoutWaitsOrAllocations(DType dtype) {
    try (CudaBackend backend = TestGpu.open(Binding.FFM, dtype);
        Training training = new Training(backend)) {
      SimulatorCounters counters = new SimulatorCounters();
      for (int warm = 0; warm < 3; warm++) {
        training.step();
      }
      counters.reset();
      int steps = 5;
      for (int i = 0; i < steps; i++) {
        training.step();
      }
      assertThat(counters.graphLaunches()).as("graph launches").isEqualTo(steps);
      assertThat(counters.synchronizations()).as("synchronizations").isZero();
      assertThat(counters.allocations()).as("allocations").isZero();
      assertThat(counters.matrixProducts()).as("matrix products outside of graphs").isZero();
      // Two kernels of the norm, and AdamW.
      assertThat(counters.kernelLaunches()).as("other launches").isEqualTo(3L * steps);
    }
  }

  /**
   * Each shape has a graph that orthogonalises its matrices; kernels that depend on the learning
   * rate are launched.
   */
  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aSteadyStepOfMuonIsFiveGraphsWithoutWaitsOrAllocations(DType dtype) {
    try (CudaBackend backend = TestGpu.open(Binding.FFM, dtype);
        Training training = new Training(backend, MODEL, Optimizer.Kind.MUON)) {
      SimulatorCounters counters = new SimulatorCounters();
      for (int warm = 0; warm < 3; warm++) {
        training.step();
      }
      counters.reset();
      int steps = 5;
      for (int i = 0; i < steps; i++) {
        training.step();
      }
      int shapes = 4;
      assertThat(counters.graphLaunches()).as("graph launches").isEqualTo((1L + shapes) * steps);
      assertThat(counters.synchronizations()).as("synchronizations").isZero();
      assertThat(counters.allocations()).as("allocations").isZero();
      assertThat(counters.matrixProducts()).as("matrix products outside of graphs").isZero();
      // Two kernels of the norm, AdamW before and after the matrices, and one kernel per matrix.
      long others = 2 + 2 + (long) shapes * MODEL.layers();
      assertThat(counters.kernelLaunches()).as("other launches").isEqualTo(others * steps);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void generationIsOneGraphPerTokenAndDrawsTheCpusTokens(GptConfig config) {
    int[] prompt = {1, 8, 6};
    SamplingSpec spec = new SamplingSpec(0.9f, 20, 0.95f);
    int[] expected;
    try (CpuBackend cpu = new CpuBackend(2);
        Gpt model = new Gpt(config, cpu, 1337);
        Generator generator = new Generator(model)) {
      expected = generator.generate(prompt, 60, spec, 7);
    }
    try (CudaBackend backend = TestGpu.open(Binding.FFM, DType.F32);
        Gpt model = new Gpt(config, backend, 1337);
        Generator generator = new Generator(model)) {
      assertThat(generator.generate(prompt, 60, spec, 7)).isEqualTo(expected);
      // One that ends in the middle of what was drawn ahead.
      List<Integer> first = new ArrayList<>();
      generator.generate(prompt, 60, spec, 7, 0, token -> first.add(token) && first.size() < 5);
      assertThat(first)
          .containsExactlyElementsOf(Arrays.stream(expected).limit(5).boxed().toList());
      SimulatorCounters counters = new SimulatorCounters();
      counters.reset();
      int tokens = 10;
      int[] again = generator.generate(prompt, tokens, spec, 7);
      assertThat(again).isEqualTo(Arrays.copyOf(expected, tokens));
      assertThat(counters.graphLaunches()).as("graph launches").isEqualTo(tokens);
      // The first token, and then as many at a time as the GPU draws ahead.
      int reads = 1 + Math.ceilDiv(tokens - 1, backend.replaysAhead());
      assertThat(counters.synchronizations()).as("synchronizations").isEqualTo(reads);
    }
  }

  @Test
  void allMemoryIsFreed() {
    SimulatorCounters counters = new SimulatorCounters();
    long before = counters.liveAllocations();
    try (CudaBackend backend = TestGpu.open(Binding.FFM, DType.BF16)) {
      try (Training training = new Training(backend)) {
        training.losses(3);
      }
      assertThat(backend.memory().liveBuffers()).isZero();
    }
    assertThat(counters.liveAllocations()).isEqualTo(before);
  }
}
