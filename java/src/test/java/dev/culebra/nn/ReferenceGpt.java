package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.ReferenceAttention;
import dev.culebra.backend.ReferenceHeads;
import dev.culebra.backend.ReferenceOps;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A textbook GPT in double precision (x = x + attention(layernorm(x)), nothing fused, nothing
 * reused) on {@link ReferenceOps}: the reference for {@link Gpt}. No dropout. Parameters have the
 * names of {@link Gpt}, without padding.
 */
final class ReferenceGpt {
  private final GptConfig config;
  private final Map<String, double[]> parameters;
  private final Map<String, double[]> gradients = new HashMap<>();

  ReferenceGpt(GptConfig config, Map<String, double[]> parameters) {
    this.config = config;
    this.parameters = parameters;
  }

  /** What the backward pass of a layer needs from its forward pass. */
  private interface Backward {
    double[] of(double[] dOut);
  }

  private record Step(double[] out, Backward backward) {}

  /** Mean loss; the gradient of every parameter is then in {@link #gradient}. */
  double lossAndGradients(int[] tokens, int[] targets, int batch, int time) {
    gradients.clear();
    int rows = batch * time;
    int width = config.embd();
    double[] x =
        ReferenceOps.embeddingForward(tokens, get("wte.weight"), get("wpe.weight"), 0, time, width);
    List<Backward> path = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "h." + layer + ".";
      x = residual(x, attentionBranch(name, x, batch, time), path);
      x = residual(x, mlpBranch(name, x, rows), path);
    }
    Step norm = layerNorm("ln_f", x, rows);
    String head = config.tiedHead() ? "wte.weight" : "lm_head.weight";
    Step logits = capped(linear(head, null, norm.out, rows, width, config.vocab()));
    var loss = ReferenceOps.crossEntropy(logits.out, targets, config.vocab(), config.vocab(), 1);

    double[] dx = norm.backward.of(logits.backward.of(loss.gradient()));
    for (Backward backward : path.reversed()) {
      dx = backward.of(dx);
    }
    accumulate("wte.weight", ReferenceOps.tokenTableGradient(dx, tokens, config.vocab(), width));
    accumulate("wpe.weight", ReferenceOps.positionTableGradient(dx, time, config.context(), width));
    return loss.meanLoss();
  }

  private Step capped(Step logits) {
    float cap = config.softcap();
    return cap == 0
        ? logits
        : new Step(
            ReferenceOps.softcapForward(logits.out, cap),
            dOut -> logits.backward.of(ReferenceOps.softcapBackward(dOut, logits.out, cap)));
  }

  /** Gradient of a parameter, of the last call. */
  double[] gradient(String name) {
    return gradients.get(name);
  }

  private static double[] residual(double[] x, Step branch, List<Backward> path) {
    path.add(dOut -> ReferenceOps.add(dOut, branch.backward.of(dOut)));
    return ReferenceOps.add(x, branch.out);
  }

  private Step attentionBranch(String name, double[] x, int batch, int time) {
    int width = config.embd();
    int rows = batch * time;
    int headSize = config.sizeOfHead();
    Step norm = layerNorm(name + "ln_1", x, rows);
    double[] queryScale = get(name + "attn.q_norm.weight");
    double[] keyScale = get(name + "attn.k_norm.weight");
    var heads = new ReferenceHeads(config.headsSpec(), time, headSize, 0, queryScale, keyScale);
    int projectedWidth = config.headsSpec().projected() * headSize;
    Step projected = linear(name + "attn.c_attn", norm.out, rows, width, projectedWidth);
    double[] qkv = heads.forward(projected.out);
    var attention = new ReferenceAttention(batch, time, config.heads(), headSize, true, 0, null);
    double[] attended = attention.forward(qkv).out();
    int attentionWidth = config.heads() * headSize;
    Step project = linear(name + "attn.c_proj", attended, rows, attentionWidth, width);
    return new Step(
        project.out,
        dOut -> {
          double[] dQkv = attention.backward(project.backward.of(dOut), qkv);
          var dHeads = heads.backward(dQkv, projected.out);
          accumulate(name + "attn.q_norm.weight", dHeads.queryScale());
          accumulate(name + "attn.k_norm.weight", dHeads.keyScale());
          return norm.backward.of(projected.backward.of(dHeads.in()));
        });
  }

  private Step mlpBranch(String name, double[] x, int rows) {
    int width = config.embd();
    Activation activation = config.activation();
    Step norm = layerNorm(name + "ln_2", x, rows);
    if (config.gatedMlp()) {
      return gatedMlpBranch(name, norm, rows);
    }
    int hidden = get(name + "mlp.c_proj.weight").length / width;
    Step expand = linear(name + "mlp.c_fc", norm.out, rows, width, hidden);
    double[] activated = ReferenceOps.activationForward(expand.out, activation);
    Step project = linear(name + "mlp.c_proj", activated, rows, hidden, width);
    return new Step(
        project.out,
        dOut -> {
          double[] dActivated = project.backward.of(dOut);
          double[] dExpand = ReferenceOps.activationBackward(dActivated, expand.out, activation);
          return norm.backward.of(expand.backward.of(dExpand));
        });
  }

  private Step gatedMlpBranch(String name, Step norm, int rows) {
    int width = config.embd();
    int hidden = get(name + "mlp.c_proj.weight").length / width;
    Activation activation = config.activation();
    Step expand = linear(name + "mlp.c_fc", norm.out, rows, width, 2 * hidden);
    double[] gated = ReferenceOps.gatedForward(expand.out, rows, hidden, activation);
    Step project = linear(name + "mlp.c_proj", gated, rows, hidden, width);
    return new Step(
        project.out,
        dOut -> {
          double[] dGated = project.backward.of(dOut);
          double[] dExpand =
              ReferenceOps.gatedBackward(dGated, expand.out, rows, hidden, activation);
          return norm.backward.of(expand.backward.of(dExpand));
        });
  }

  private Step layerNorm(String name, double[] x, int rows) {
    int width = config.embd();
    double[] weight = get(name + ".weight");
    double[] bias = get(name + ".bias");
    boolean centred = config.norm() == Normalization.LAYER;
    double epsilon = config.normEpsilon();
    var norm = ReferenceOps.layerNormForward(x, weight, bias, rows, width, centred, epsilon);
    return new Step(
        norm.out(),
        dOut -> {
          var d =
              ReferenceOps.layerNormBackward(
                  dOut, x, norm.mean(), norm.rstd(), weight, rows, width, centred);
          accumulate(name + ".weight", d.weight());
          accumulate(name + ".bias", d.bias());
          return d.in();
        });
  }

  private Step linear(String name, double[] x, int rows, int inputs, int outputs) {
    return linear(name + ".weight", name + ".bias", x, rows, inputs, outputs);
  }

  private Step linear(
      String weightName, String biasName, double[] x, int rows, int inputs, int outputs) {
    double[] weight = get(weightName);
    double[] out = ReferenceOps.linearForward(x, weight, get(biasName), rows, inputs, outputs);
    return new Step(
        out,
        dOut -> {
          var d = ReferenceOps.linearBackward(dOut, x, weight, rows, inputs, outputs);
          accumulate(weightName, d.weight());
          accumulate(biasName, d.bias());
          return d.in();
        });
  }

  /** A parameter, or null if the configuration has none with that name. */
  private double[] get(String name) {
    return name == null ? null : parameters.get(name);
  }

  private void accumulate(String name, double[] gradient) {
    if (get(name) != null) {
      gradients.merge(name, gradient, ReferenceOps::add);
    }
  }
}
