package dev.culebra.bench.race;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.OpCall;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.openblas.OpenBlasBackend;
import dev.culebra.bench.profile.Clock;
import dev.culebra.bench.profile.OpProfile;
import org.junit.jupiter.api.Test;

class CourseTest {
  /** Counted from the tensors of the calls and from the model's shape. */
  @Test
  void theFormulaCountsWhatTheOperationsDo() {
    CpuBackend cpu = new CpuBackend(2);
    OpProfile profile = new OpProfile(Clock.WALL);
    cpu.ops().listen(profile);
    try (var contestant = new CulebraContestant(Course.A, cpu)) {
      contestant.step();
    }
    double counted = 0;
    for (OpProfile.Entry entry : profile.entries()) {
      OpCall call = entry.call();
      // The backward pass of attention recomputes the scores, and the head is padded.
      double useful = call.op().equals("attentionBackward") ? 0.8 : 1;
      useful *= call.op().startsWith("linear") && call.shape().contains("(128, 128)") ? 0 : 1;
      counted += useful * call.flops() * entry.calls();
    }
    double width = 128;
    double projections = 6.0 * Course.A.tokens() * (4 * width * width + 65 * width);
    assertThat(counted + projections).isCloseTo(Course.A.flops(), within(1.0));
  }

  @Test
  void openBlasTrainsLikeOurs() {
    try (var ours = new CulebraContestant(Course.A, new CpuBackend(2));
        var theirs = new CulebraContestant(Course.A, new OpenBlasBackend(2))) {
      for (int step = 0; step < 5; step++) {
        assertThat(theirs.step()).isCloseTo(ours.step(), within(1e-4f));
      }
    }
  }
}
