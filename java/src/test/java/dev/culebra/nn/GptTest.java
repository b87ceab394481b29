package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AdamWStep;
import dev.culebra.backend.Backend;
import dev.culebra.backend.ReferenceOps;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.optim.AdamW;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The whole model against {@link ReferenceGpt}. */
class GptTest {
  private static final int BATCH = 3;
  private static final float LEARNING_RATE = 1e-3f;

  private final Backend backend = new CpuBackend(2);

  @AfterEach
  void nothingLeaks() {
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  static final java.util.List<GptConfig> CONFIGS = ModelFixture.ALL;

  private static int[] targets(GptConfig config) {
    int[] targets = ModelFixture.tokens(BATCH * config.context(), config.vocab(), 2);
    targets[1] = -1;
    return targets;
  }

  private static int[] tokens(GptConfig config) {
    return ModelFixture.tokens(BATCH * config.context(), config.vocab(), 1);
  }

  /** GPT-2 124M: 85 M weights in blocks, 38.6 M in the padded head, attention to 1024 tokens. */
  @Test
  void flopsPerTokenCountWeightProductsAndCausalAttention() {
    double weights = 12 * 12.0 * 768 * 768 + 50304 * 768;
    assertThat(Gpt.flopsOfAToken(Preset.GPT2.config(50257)))
        .isEqualTo(6 * weights + 6.0 * 12 * 768 * 1024)
        .isCloseTo(0.933 * (6 * 123.65e6 + 12.0 * 12 * 768 * 1024), withinPercentage(0.1));
    assertThat(Gpt.flopsOfAToken(Preset.GPT2.config(50257).with(GptConfig.CONTEXT, 256)))
        .isEqualTo(6 * weights + 6.0 * 12 * 768 * 256);
  }

  /** Heads and an MLP that are no part of the width. */
  @Test
  void flopsAndParametersFollowTheSizesOfHeadsAndMlp() {
    GptConfig config = ModelFixture.WIDE;
    double weights = 2 * (24 * 8 * 10 + 40 * 24 + 24 * 34 + 17 * 24) + 128 * 24;
    assertThat(Gpt.flopsOfAToken(config)).isEqualTo(6 * weights + 6.0 * 2 * 40 * 9);
    long vectors = 2 * (2 * 24 + 80) + 24;
    try (Gpt model = new Gpt(config, backend, 1)) {
      long elements =
          model.parameters().list().stream()
              .mapToLong(parameter -> parameter.shape().elements())
              .sum();
      assertThat(elements).isEqualTo((long) weights + 128 * 24 + vectors);
    }
  }

  @ParameterizedTest
  @FieldSource("CONFIGS")
  void referenceGradientsEqualFiniteDifferences(GptConfig config) {
    try (Gpt model = new Gpt(config, backend, 5)) {
      ModelFixture.enliven(model);
      Map<String, double[]> values = ModelFixture.values(model);
      ReferenceGpt reference = new ReferenceGpt(config, values);
      int[] tokens = tokens(config);
      int[] targets = targets(config);
      reference.lossAndGradients(tokens, targets, BATCH, config.context());
      Map<String, double[]> analytic = new HashMap<>();
      values.keySet().forEach(name -> analytic.put(name, reference.gradient(name)));
      double h = 1e-5;
      values.forEach(
          (name, value) -> {
            for (int i = 0; i < value.length; i += 1 + value.length / 5) {
              double before = value[i];
              value[i] = before + h;
              double up = reference.lossAndGradients(tokens, targets, BATCH, config.context());
              value[i] = before - h;
              double down = reference.lossAndGradients(tokens, targets, BATCH, config.context());
              value[i] = before;
              assertThat(analytic.get(name)[i])
                  .as("%s[%d]", name, i)
                  .isCloseTo(
                      (up - down) / (2 * h), within(1e-6 * (1 + Math.abs(up - down) / (2 * h))));
            }
          });
    }
  }

  @ParameterizedTest
  @FieldSource("CONFIGS")
  void lossAndEveryGradientEqualTheReference(GptConfig config) {
    try (Gpt model = new Gpt(config, backend, 5)) {
      model.plan(BATCH, config.context());
      ModelFixture.enliven(model);
      ReferenceGpt reference = new ReferenceGpt(config, ModelFixture.values(model));
      double expected =
          reference.lossAndGradients(tokens(config), targets(config), BATCH, config.context());

      ModelFixture.load(model, tokens(config), targets(config));
      model.zeroGradients();
      model.forward();
      model.backward(1);

      assertThat((double) model.readLossBlocking()).isCloseTo(expected, within(1e-5 * expected));
      assertThat(model.parameters().list()).isNotEmpty();
      for (Parameter parameter : model.parameters().list()) {
        assertClose(
            parameter.name(),
            ModelFixture.gradient(model, parameter),
            reference.gradient(parameter.name()));
      }
    }
  }

  @ParameterizedTest
  @FieldSource("CONFIGS")
  void tenAdamWStepsFollowTheReference(GptConfig config) {
    AdamW.Config adamW = new AdamW.Config(0.9f, 0.95f, 1e-3f, 0.1f, 0.5f);
    try (Gpt model = new Gpt(config, backend, 5);
        AdamW optimizer = new AdamW(model.parameters(), adamW)) {
      model.plan(BATCH, config.context());
      // Sharper softmaxes make more of a rounding in each step.
      ModelFixture.enliven(model, 2);
      ReferenceTraining reference = new ReferenceTraining(model, adamW);
      for (int step = 1; step <= 10; step++) {
        double expected = reference.step(tokens(config), targets(config), step);
        ModelFixture.load(model, tokens(config), targets(config));
        model.zeroGradients();
        model.forward();
        model.backward(1);
        optimizer.step(LEARNING_RATE);
        assertThat((double) model.readLossBlocking())
            .as("loss of step %d", step)
            .isCloseTo(expected, within(1e-4 * expected));
      }
      Map<String, double[]> values = ModelFixture.values(model);
      values.forEach((name, value) -> assertClose(name, value, reference.values.get(name)));
    }
  }

  /** AdamW in double precision over {@link ReferenceGpt}. */
  private static final class ReferenceTraining {
    private final GptConfig config;
    private final AdamW.Config adamW;
    private final Map<String, double[]> values;
    private final Map<String, double[]> first = new HashMap<>();
    private final Map<String, double[]> second = new HashMap<>();
    private final Map<String, Boolean> decayed = new HashMap<>();

    ReferenceTraining(Gpt model, AdamW.Config adamW) {
      this.config = model.config();
      this.adamW = adamW;
      this.values = ModelFixture.values(model);
      for (Parameter parameter : model.parameters().list()) {
        first.put(parameter.name(), new double[(int) parameter.savedShape().elements()]);
        second.put(parameter.name(), new double[(int) parameter.savedShape().elements()]);
        decayed.put(
            parameter.name(), !parameter.name().matches(".*(bias|(ln_.|[qk]_norm)\\.weight)"));
      }
    }

    double step(int[] tokens, int[] targets, int step) {
      ReferenceGpt model = new ReferenceGpt(config, values);
      double loss = model.lossAndGradients(tokens, targets, BATCH, config.context());
      double squares = 0;
      for (String name : values.keySet()) {
        squares += Math.pow(ReferenceOps.norm(model.gradient(name)), 2);
      }
      AdamWStep numbers =
          new AdamWStep(
              step,
              LEARNING_RATE,
              adamW.beta1(),
              adamW.beta2(),
              adamW.epsilon(),
              adamW.weightDecay(),
              adamW.maxNorm(),
              0);
      for (String name : values.keySet()) {
        var next =
            ReferenceOps.adamW(
                values.get(name),
                model.gradient(name),
                first.get(name),
                second.get(name),
                Math.sqrt(squares),
                decayed.get(name) ? Long.MAX_VALUE : 0,
                numbers);
        values.put(name, next.values());
        first.put(name, next.firstMoment());
        second.put(name, next.secondMoment());
      }
      return loss;
    }
  }

  @Test
  void gradientAccumulationEqualsOneLargeBatch() {
    GptConfig config = ModelFixture.UNTIED;
    int half = 2 * config.context();
    int[] tokens = ModelFixture.tokens(2 * half, config.vocab(), 1);
    int[] targets = ModelFixture.tokens(2 * half, config.vocab(), 2);
    try (Gpt whole = new Gpt(config, backend, 5);
        Gpt parts = new Gpt(config, backend, 5)) {
      whole.plan(4, config.context());
      parts.plan(2, config.context());
      whole.zeroGradients();
      parts.zeroGradients();
      ModelFixture.load(whole, tokens, targets);
      whole.forward();
      whole.backward(1);
      for (int i = 0; i < 2; i++) {
        ModelFixture.load(
            parts,
            java.util.Arrays.copyOfRange(tokens, i * half, (i + 1) * half),
            java.util.Arrays.copyOfRange(targets, i * half, (i + 1) * half));
        parts.forward();
        parts.backward(0.5f);
      }
      assertThat(parts.readLossBlocking()).isCloseTo(whole.readLossBlocking(), within(1e-5f));
      for (int i = 0; i < whole.parameters().list().size(); i++) {
        assertClose(
            whole.parameters().list().get(i).name(),
            ModelFixture.gradient(parts, parts.parameters().list().get(i)),
            ModelFixture.gradient(whole, whole.parameters().list().get(i)));
      }
    }
  }

  @Test
  void overfitsOneBatch() {
    GptConfig config = new GptConfig(2, 2, 32, 16, 27, 0, true, true, Activation.GELU_TANH);
    int[] tokens = ModelFixture.tokens(4 * 16, 27, 1);
    int[] targets = ModelFixture.tokens(4 * 16, 27, 2);
    try (Gpt model = new Gpt(config, backend, 1);
        AdamW optimizer = new AdamW(model.parameters(), AdamW.Config.DEFAULT)) {
      model.plan(4, 16);
      ModelFixture.load(model, tokens, targets);
      float first = Float.NaN;
      for (int step = 0; step < 150; step++) {
        model.zeroGradients();
        model.forward();
        model.backward(1);
        if (step == 0) {
          first = model.readLossBlocking();
        }
        optimizer.step(5e-3f);
      }
      assertThat(first).isCloseTo((float) Math.log(27), within(0.2f));
      assertThat(model.readLossBlocking()).isLessThan(0.02f);
    }
  }

  @Test
  void paddingOfTheVocabularyStaysZero() {
    GptConfig config = ModelFixture.UNTIED;
    try (Gpt model = new Gpt(config, backend, 5);
        AdamW optimizer = new AdamW(model.parameters(), AdamW.Config.DEFAULT)) {
      model.plan(BATCH, config.context());
      ModelFixture.load(model, tokens(config), targets(config));
      model.zeroGradients();
      model.forward();
      model.backward(1);
      optimizer.step(1);
      for (Parameter parameter : model.parameters().list()) {
        float[] all = backend.readFloatsBlocking(parameter.value());
        for (int i = (int) parameter.savedShape().elements(); i < all.length; i++) {
          assertThat(all[i]).as("%s[%d]", parameter.name(), i).isZero();
        }
      }
    }
  }

  @Test
  void parameterNamesAndCountAreGpt2s() {
    try (Gpt model = new Gpt(Preset.NANO.config(65), backend, 1)) {
      assertThat(model.parameters().list())
          .extracting(Parameter::name)
          .contains(
              "wte.weight",
              "wpe.weight",
              "h.0.ln_1.weight",
              "h.3.attn.c_attn.weight",
              "h.3.attn.c_proj.weight",
              "h.3.mlp.c_fc.weight",
              "h.3.mlp.c_proj.weight",
              "ln_f.weight")
          .doesNotContain("lm_head.weight", "h.0.ln_1.bias");
      // 12 C² a block for the matrices and 2 C for its layernorms, tables, last layernorm.
      int c = 128;
      assertThat(model.parameters().count())
          .isEqualTo(4L * (12 * c * c + 2 * c) + 65 * c + 64 * c + c);
    }
  }

  @Test
  void evalModeTurnsDropoutOffAndEqualDrawsGiveEqualMasks() {
    GptConfig config = ModelFixture.TIED.with(GptConfig.DROPOUT, 0.3f);
    try (Gpt model = new Gpt(config, backend, 5)) {
      model.plan(BATCH, config.context());
      ModelFixture.enliven(model);
      ModelFixture.load(model, tokens(config), targets(config));
      float one = lossOfDraw(model, 1);
      float two = lossOfDraw(model, 2);
      float oneAgain = lossOfDraw(model, 1);
      assertThat(one).isEqualTo(oneAgain).isNotEqualTo(two);
      model.eval();
      float evaluated = lossOfDraw(model, 3);
      assertThat(lossOfDraw(model, 4)).isEqualTo(evaluated);
      try (Gpt without = new Gpt(ModelFixture.TIED, backend, 5)) {
        without.plan(BATCH, config.context());
        ModelFixture.enliven(without);
        ModelFixture.load(without, tokens(config), targets(config));
        assertThat(lossOfDraw(without, 1)).isEqualTo(evaluated);
      }
    }
  }

  @Test
  void gradientsWithDropoutEqualFiniteDifferences() {
    GptConfig config = ModelFixture.UNTIED.with(GptConfig.DROPOUT, 0.25f);
    try (Gpt model = new Gpt(config, backend, 5)) {
      model.plan(BATCH, config.context());
      ModelFixture.enliven(model);
      ModelFixture.load(model, tokens(config), targets(config));
      model.setDraw(9, 1);
      model.zeroGradients();
      model.forward();
      model.backward(1);
      for (Parameter parameter : model.parameters().list()) {
        // Along the gradient itself, where single precision is enough: d loss = |g|² h.
        float[] values = backend.readFloatsBlocking(parameter.value());
        float[] gradient = backend.readFloatsBlocking(parameter.gradient());
        double squares = 0;
        for (float g : gradient) {
          squares += (double) g * g;
        }
        float h = (float) (1e-3 / Math.sqrt(squares));
        double up = lossAt(model, parameter, values, gradient, h);
        double down = lossAt(model, parameter, values, gradient, -h);
        lossAt(model, parameter, values, gradient, 0);
        assertThat((up - down) / (2 * h))
            .as(parameter.name())
            .isCloseTo(squares, within(0.02 * squares + 2e-6 * Math.sqrt(squares) / 1e-3));
      }
    }
  }

  private double lossAt(
      Gpt model, Parameter parameter, float[] values, float[] direction, float h) {
    float[] moved = new float[values.length];
    for (int i = 0; i < moved.length; i++) {
      moved[i] = values[i] + h * direction[i];
    }
    backend.upload(parameter.value(), moved);
    model.zeroLoss();
    model.forward();
    model.loss(1);
    return model.readLossBlocking();
  }

  private static float lossOfDraw(Gpt model, long draw) {
    model.setDraw(3, draw);
    model.zeroLoss();
    model.forward();
    model.loss(1);
    return model.readLossBlocking();
  }

  @Test
  void inferencePlanGivesTheSameLogitsWithLessMemory() {
    GptConfig config = ModelFixture.UNTIED;
    try (Gpt model = new Gpt(config, backend, 5);
        Gpt view = model.shareWeights()) {
      model.plan(BATCH, config.context());
      long training = backend.memory().liveBytes();
      view.planInference(BATCH, config.context());
      assertThat(backend.memory().liveBytes() - training).isLessThan(training / 2);
      ModelFixture.enliven(model);
      ModelFixture.load(model, tokens(config), null);
      ModelFixture.load(view, tokens(config), null);
      assertThat(backend.readFloatsBlocking(view.forward()))
          .isEqualTo(backend.readFloatsBlocking(model.forward()));
    }
  }

  @Test
  void rejectsMoreTokensThanTheContext() {
    try (Gpt model = new Gpt(ModelFixture.RELU, backend, 1)) {
      assertThatThrownBy(() -> model.plan(1, 8))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("8 tokens do not fit into a context of 7");
    }
  }

  /** Relative to the largest element: single precision through a few layers. */
  static void assertClose(String name, double[] actual, double[] expected) {
    double largest = 0;
    for (double e : expected) {
      largest = Math.max(largest, Math.abs(e));
    }
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i])
          .as("%s[%d]", name, i)
          .isCloseTo(expected[i], within(3e-5 * largest + 1e-9));
    }
  }
}
