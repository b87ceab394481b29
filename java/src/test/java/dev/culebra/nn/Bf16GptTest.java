package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Backend;
import dev.culebra.backend.Bf16EmulationBackend;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.generate.Generator;
import dev.culebra.optim.AdamW;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The whole model with BF16 operations and F32 master weights. */
class Bf16GptTest {
  private static final int BATCH = 3;
  private static final List<GptConfig> CONFIGS = ModelFixture.ALL;

  private final Backend backend = new Bf16EmulationBackend(1);

  @AfterEach
  void nothingLeaks() {
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  private static int[] tokens(GptConfig config, int stream) {
    return ModelFixture.tokens(BATCH * config.context(), config.vocab(), stream);
  }

  private static void loadAndDifferentiate(Gpt model) {
    ModelFixture.load(model, tokens(model.config(), 1), tokens(model.config(), 2));
    model.zeroGradients();
    model.forward();
    model.backward(1);
  }

  /** About ten successive roundings of up to 2⁻⁸ each change a gradient by about 1 %. */
  @ParameterizedTest
  @FieldSource("CONFIGS")
  void lossAndGradientsAreNearTheReference(GptConfig config) {
    try (Gpt model = new Gpt(config, backend, 5)) {
      model.plan(BATCH, config.context());
      ModelFixture.enliven(model, 1);
      ReferenceGpt reference = new ReferenceGpt(config, ModelFixture.values(model));
      double expected =
          reference.lossAndGradients(tokens(config, 1), tokens(config, 2), BATCH, config.context());
      loadAndDifferentiate(model);
      assertThat((double) model.readLossBlocking()).isCloseTo(expected, within(0.005 * expected));
      for (Parameter parameter : model.parameters().list()) {
        double[] exact = reference.gradient(parameter.name());
        double[] gradient = ModelFixture.gradient(model, parameter);
        assertThat(distance(gradient, exact))
            .as(parameter.name())
            .isLessThan(share(parameter) * distance(exact, new double[exact.length]) + 1e-6);
      }
    }
  }

  /** Each scale of queries and keys is a sum over all rows and heads, whose terms mostly cancel. */
  private static double share(Parameter parameter) {
    return parameter.name().matches(".*[qk]_norm\\.weight") ? 0.1 : 0.03;
  }

  private static double distance(double[] a, double[] b) {
    double squares = 0;
    for (int i = 0; i < a.length; i++) {
      squares += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(squares);
  }

  @Test
  void weightsAreInitialValuesRounded() {
    try (Gpt model = new Gpt(ModelFixture.TIED, backend, 5)) {
      Parameters parameters = model.parameters();
      float[] values = backend.readFloatsBlocking(parameters.values());
      float[] weights = backend.readFloatsBlocking(parameters.weights());
      assertThat(parameters.weights().dtype()).isEqualTo(DType.BF16);
      for (int i = 0; i < values.length; i++) {
        assertThat(weights[i]).isEqualTo(BFloat16.rounded(values[i]));
      }
    }
  }

  @Test
  void trainingLearnsABatchAndWeightsStayNearTheValues() {
    GptConfig config = ModelFixture.TIED;
    try (Gpt model = new Gpt(config, backend, 5);
        AdamW optimizer = new AdamW(model.parameters(), AdamW.Config.DEFAULT, 3)) {
      model.plan(BATCH, config.context());
      loadAndDifferentiate(model);
      float before = model.readLossBlocking();
      for (int step = 0; step < 60; step++) {
        loadAndDifferentiate(model);
        optimizer.step(1e-2f);
      }
      assertThat(model.readLossBlocking()).isLessThan(0.5f * before);
      float[] values = backend.readFloatsBlocking(model.parameters().values());
      float[] weights = backend.readFloatsBlocking(model.parameters().weights());
      int notNearest = 0;
      for (int i = 0; i < values.length; i++) {
        assertThat(weights[i]).isCloseTo(values[i], within(0x1p-7f * Math.abs(values[i])));
        notNearest += weights[i] == BFloat16.rounded(values[i]) ? 0 : 1;
      }
      // Stochastic rounding picks the farther neighbour for a quarter of all values.
      assertThat(notNearest).isBetween(values.length / 6, values.length / 3);
    }
  }

  @Test
  void onlyEqualSeedsRoundEqually() {
    assertThat(weightsAfterAStep(3)).isEqualTo(weightsAfterAStep(3));
    assertThat(weightsAfterAStep(4)).isNotEqualTo(weightsAfterAStep(3));
    assertThat(weightsAfterAStep(3 + (1L << 32))).isNotEqualTo(weightsAfterAStep(3));
  }

  private float[] weightsAfterAStep(long seed) {
    try (Gpt model = new Gpt(ModelFixture.RELU, backend, 5);
        AdamW optimizer = new AdamW(model.parameters(), AdamW.Config.DEFAULT, seed)) {
      model.plan(BATCH, ModelFixture.RELU.context());
      loadAndDifferentiate(model);
      optimizer.step(1e-2f);
      return backend.readFloatsBlocking(model.parameters().weights());
    }
  }

  @Test
  void cachedGenerationEqualsTheFullForwardPass() {
    GptConfig config = ModelFixture.TIED;
    try (Gpt model = new Gpt(config, backend, 5);
        Gpt full = model.shareWeights();
        Generator generator = new Generator(model)) {
      ModelFixture.enliven(model);
      List<Integer> text = new ArrayList<>(List.of(1, 4, 2));
      int[] prompt = text.stream().mapToInt(Integer::intValue).toArray();
      generator.generate(prompt, 6, new SamplingSpec(0, 0, 1), 1, 0, text::add);
      for (int t = prompt.length; t < text.size(); t++) {
        full.planInference(1, t);
        int[] tokens = text.subList(0, t).stream().mapToInt(Integer::intValue).toArray();
        ModelFixture.load(full, tokens, null);
        float[] logits = backend.readFloatsBlocking(full.forward());
        float[] last = Arrays.copyOfRange(logits, (t - 1) * config.paddedVocab(), logits.length);
        assertThat(last[text.get(t)])
            .as("token %d", t)
            .isCloseTo(largest(last, config.vocab()), within(0.05f));
      }
    }
  }

  private static float largest(float[] logits, int vocab) {
    float largest = logits[0];
    for (int v = 1; v < vocab; v++) {
      largest = Math.max(largest, logits[v]);
    }
    return largest;
  }
}
