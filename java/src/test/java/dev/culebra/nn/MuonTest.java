package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.AdamWStep;
import dev.culebra.backend.Backend;
import dev.culebra.backend.MuonStep;
import dev.culebra.backend.ReferenceMuon;
import dev.culebra.backend.ReferenceOps;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.Muon;
import dev.culebra.optim.Optimizer;
import dev.culebra.tensor.Shape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Steps of {@link Muon} on whole models, compared with double precision. */
class MuonTest {
  private static final int BATCH = 3;
  private static final float LEARNING_RATE = 1e-2f;
  private static final AdamW.Config CONFIG = new AdamW.Config(0.9f, 0.95f, 1e-3f, 0.1f, 0.5f);

  static final List<GptConfig> CONFIGS = List.of(ModelFixture.UNTIED, ModelFixture.LLAMA);

  private final Backend backend = new CpuBackend(2);

  @AfterEach
  void nothingLeaks() {
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  private void computeGradients(Gpt model) {
    GptConfig config = model.config();
    int count = BATCH * config.context();
    ModelFixture.load(
        model,
        ModelFixture.tokens(count, config.vocab(), 1),
        ModelFixture.tokens(count, config.vocab(), 2));
    model.zeroGradients();
    model.forward();
    model.backward(1);
  }

  @ParameterizedTest
  @FieldSource("CONFIGS")
  void stepsFollowTheReference(GptConfig config) {
    try (Gpt model = new Gpt(config, backend, 5);
        Muon optimizer = new Muon(model.parameters(), CONFIG, 0)) {
      model.plan(BATCH, config.context());
      ModelFixture.enliven(model);
      Reference reference = new Reference(model);
      for (int step = 1; step <= 3; step++) {
        // The reference takes each step from the model's own gradients and values.
        computeGradients(model);
        reference.step(step);
        optimizer.step(LEARNING_RATE);
        Map<String, double[]> values = ModelFixture.values(model);
        for (Parameter parameter : model.parameters().list()) {
          double[] expected = reference.values.get(parameter.name());
          double[] actual = values.get(parameter.name());
          for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i])
                .as("%s[%d] after step %d", parameter.name(), i, step)
                .isCloseTo(expected[i], within(2e-4 * LEARNING_RATE));
          }
          reference.values.put(parameter.name(), actual);
        }
      }
    }
  }

  /** The momentum of matrices and the moments of all other parameters. */
  private static final class Reference {
    private final Gpt model;
    private final Map<String, double[]> values;
    private final Map<String, double[]> first = new HashMap<>();
    private final Map<String, double[]> second = new HashMap<>();

    Reference(Gpt model) {
      this.model = model;
      values = ModelFixture.values(model);
      values.forEach((name, value) -> first.put(name, new double[value.length]));
      values.forEach((name, value) -> second.put(name, new double[value.length]));
    }

    void step(int step) {
      Map<String, double[]> gradients = new HashMap<>();
      double squares = 0;
      for (Parameter parameter : model.parameters().list()) {
        double[] gradient = ModelFixture.gradient(model, parameter);
        gradients.put(parameter.name(), gradient);
        squares += Math.pow(ReferenceOps.norm(gradient), 2);
      }
      for (Parameter parameter : model.parameters().list()) {
        double[] gradient = gradients.get(parameter.name());
        if (parameter.name().matches("h\\..*(c_attn|c_proj|c_fc)\\.weight")) {
          muon(parameter, gradient, Math.sqrt(squares), step);
        } else {
          adamW(parameter, gradient, Math.sqrt(squares), step);
        }
      }
    }

    private void muon(Parameter parameter, double[] gradient, double norm, int step) {
      String name = parameter.name();
      Shape shape = parameter.shape();
      MuonStep numbers = new MuonStep(step, LEARNING_RATE, CONFIG.weightDecay(), 0);
      var momentum =
          ReferenceMuon.momentum(first.get(name), gradient, norm, 0.95f, CONFIG.maxNorm());
      first.put(name, momentum.momentum());
      double[] direction =
          ReferenceMuon.orthogonalised(momentum.direction(), shape.dim(0), shape.dim(1));
      values.put(
          name,
          ReferenceMuon.updated(values.get(name), direction, shape.dim(0), shape.dim(1), numbers));
    }

    private void adamW(Parameter parameter, double[] gradient, double norm, int step) {
      String name = parameter.name();
      AdamWStep numbers =
          new AdamWStep(
              step,
              LEARNING_RATE,
              CONFIG.beta1(),
              CONFIG.beta2(),
              CONFIG.epsilon(),
              CONFIG.weightDecay(),
              CONFIG.maxNorm(),
              0);
      boolean decays = parameter.shape().rank() > 1;
      var next =
          ReferenceOps.adamW(
              values.get(name),
              gradient,
              first.get(name),
              second.get(name),
              norm,
              decays ? Long.MAX_VALUE : 0,
              numbers);
      values.put(name, next.values());
      first.put(name, next.firstMoment());
      second.put(name, next.secondMoment());
    }
  }

  @Test
  void everyParameterHasItsStates() {
    try (Gpt model = new Gpt(ModelFixture.UNTIED, backend, 5);
        Optimizer adamW = Optimizer.of(Optimizer.Kind.ADAMW, model.parameters(), CONFIG, 0);
        Optimizer muon = Optimizer.of(Optimizer.Kind.MUON, model.parameters(), CONFIG, 0)) {
      int parameters = model.parameters().list().size();
      int matrices = 2 * 4;
      assertThat(adamW.states()).hasSize(2 * parameters);
      assertThat(muon.states()).hasSize(2 * parameters - matrices);
      assertThat(muon.states())
          .extracting(Optimizer.State::name)
          .doesNotHaveDuplicates()
          .contains(
              "muon.m.h.1.mlp.c_fc.weight",
              "adamw.m.wte.weight",
              "adamw.v.lm_head.weight",
              "adamw.v.h.0.ln_1.bias")
          .doesNotContain("adamw.m.h.1.mlp.c_fc.weight");
    }
  }
}
