package dev.culebra.backend;

import static dev.culebra.backend.Numbers.magnitudes;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** The AdamW step. */
final class AdamWCases {
  private static final int[] LENGTHS = {7, 1, 64, 129, 4099};

  private AdamWCases() {}

  static Stream<OpCase> all() {
    return Arrays.stream(LENGTHS)
        .boxed()
        .flatMap(
            n ->
                Stream.of(
                    of(n, n / 2 | 1, step(3, 0.5f), 2f),
                    of(n, n / 2 | 1, step(1, 0), null),
                    of(n, 0, step(1000, 0), 7f),
                    of(n, n, step(1000, 5), 2f),
                    of(n, n / 3, step(2, 1), 1e6f),
                    of(n, n / 3, step(1, 1), 0f)));
  }

  private static AdamWStep step(int step, float maxNorm) {
    return new AdamWStep(step, 3e-3f, 0.9f, 0.999f, 1e-8f, 0.1f, maxNorm, 0x123456789L);
  }

  /** {@code norm} is the gradients' norm, 0 for zero gradients, null if not given. */
  private static OpCase of(int n, int decayed, AdamWStep step, Float norm) {
    return new OpCase(
        "adamW N=%d decayed=%d step=%d maxNorm=%s norm=%s"
            .formatted(n, decayed, step.step(), step.maxNorm(), norm),
        run -> {
          float[] p = run.singleNormal(n);
          float[] g = norm != null && norm == 0 ? new float[n] : run.singleNormal(n);
          boolean first = step.step() == 1;
          float[] m = first ? new float[n] : Numbers.times(run.singleNormal(n), 0.1f);
          float[] v = first ? new float[n] : squares(run.singleNormal(n));
          Tensor weights = run.dtype() == DType.F32 ? null : run.output(n);
          Tensor values = run.single(p, n);
          Tensor firstMoment = run.single(m, n);
          Tensor secondMoment = run.single(v, n);
          run.ops()
              .adamW()
              .update(
                  weights,
                  values,
                  run.single(g, n),
                  firstMoment,
                  secondMoment,
                  norm == null ? null : run.single(new float[] {norm}, 1),
                  decayed,
                  step);
          double given = norm == null ? 0 : norm;
          var exact =
              ReferenceOps.adamW(
                  widened(p), widened(g), widened(m), widened(v), given, decayed, step);
          var terms = terms(p, g, m, v, given, decayed, step);
          run.result("values", values, () -> new Expected(exact.values(), terms.values(), 4));
          run.result(
              "firstMoment",
              firstMoment,
              () -> new Expected(exact.firstMoment(), terms.firstMoment(), 4));
          run.result(
              "secondMoment",
              secondMoment,
              () -> new Expected(exact.secondMoment(), terms.secondMoment(), 4));
          if (weights != null) {
            // Computed from the backend's own values, whose last bit may matter.
            run.result(
                "weights",
                weights,
                () ->
                    Expected.exactly(
                        ReferenceRandom.roundedByChance(
                            run.read(values), step.step(), step.seed())));
          }
        });
  }

  private static float[] squares(float[] values) {
    float[] squares = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      squares[i] = values[i] * values[i] * 0.01f;
    }
    return squares;
  }

  /** The step with all terms positive: −lr is made positive by a negative learning rate. */
  private static ReferenceOps.AdamW terms(
      float[] p, float[] g, float[] m, float[] v, double norm, long decayed, AdamWStep step) {
    AdamWStep adding =
        new AdamWStep(
            step.step(),
            -step.learningRate(),
            step.beta1(),
            step.beta2(),
            step.epsilon(),
            step.weightDecay(),
            step.maxNorm(),
            step.seed());
    return ReferenceOps.adamW(
        magnitudes(widened(p)),
        magnitudes(widened(g)),
        magnitudes(widened(m)),
        widened(v),
        norm,
        decayed,
        adding);
  }
}
