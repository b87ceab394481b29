package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Properties of attention that a single case cannot show. */
interface AttentionContract {
  Backend backend();

  Buffer memory();

  /** The bits of the first outputs do not change when later rows do. */
  @ParameterizedTest
  @ValueSource(ints = {1, 16, 31, 64, 70})
  default void causalAttentionDoesNotSeeTheFuture(int past) {
    int t = 71;
    int c = 24;
    int[] before = causal(t, c, t);
    int[] after = causal(t, c, past);
    assertThat(Arrays.copyOf(after, past * c)).isEqualTo(Arrays.copyOf(before, past * c));
    assertThat(after).isNotEqualTo(before);
  }

  private int[] causal(int t, int c, int past) {
    OpCase each =
        new OpCase(
            "attentionForward of a past",
            run -> {
              float[] qkv = run.normal(t * 3 * c);
              for (int i = past * 3 * c; i < qkv.length; i++) {
                qkv[i] = -3 * qkv[i];
              }
              Tensor out = run.output(1, t, c);
              Tensor logSumExp = run.singleOutput(1, 3, t);
              AttentionSpec spec = new AttentionSpec(3, true, DropoutSpec.NONE);
              run.ops()
                  .attention()
                  .forward(out, logSumExp, run.input(run.rounded(qkv), 1, t, 3 * c), spec);
              run.result("out", out, () -> null);
            });
    return OpRun.of(each, backend(), memory()).bits().get("out");
  }

  /** Each sequence in a batch has the same bits as alone. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  default void sequencesOfABatchDoNotSeeEachOther(boolean causal) {
    int t = 37;
    int c = 16;
    int[] together = sequences(3, 0, t, c, causal);
    for (int b = 0; b < 3; b++) {
      int[] alone = sequences(1, b, t, c, causal);
      assertThat(alone).isEqualTo(Arrays.copyOfRange(together, b * t * c, (b + 1) * t * c));
    }
  }

  private int[] sequences(int count, int first, int t, int c, boolean causal) {
    OpCase each =
        new OpCase(
            "attentionForward of a batch",
            run -> {
              int size = t * 3 * c;
              float[] all = run.normal(3 * size);
              float[] qkv = Arrays.copyOfRange(all, first * size, (first + count) * size);
              Tensor out = run.output(count, t, c);
              Tensor logSumExp = run.singleOutput(count, 2, t);
              AttentionSpec spec = new AttentionSpec(2, causal, DropoutSpec.NONE);
              run.ops().attention().forward(out, logSumExp, run.input(qkv, count, t, 3 * c), spec);
              run.result("out", out, () -> null);
            });
    return OpRun.of(each, backend(), memory()).bits().get("out");
  }
}
