package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.optim.AdamW;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * A whole training step in its own JVM: in large methods C2 may box vectors that single operations
 * keep in registers.
 */
class SteadyStepTest {
  private static final long LIMIT = 10_000;

  @Test
  void allocatesLessThanTenKilobytes() throws IOException, InterruptedException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            Steps.class.getName());
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String said = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).isZero();
    assertThat(Long.parseLong(said.strip())).as("bytes per step").isLessThan(LIMIT);
  }

  /**
   * Steps until ten in a row stay below the limit, or the time is up; prints the maximum of the
   * ten.
   */
  static final class Steps {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(90);
    private static final int BATCH = 4;
    private static final int TIME = 64;

    public static void main(String[] args) {
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      try (CpuBackend backend = new CpuBackend(2);
          Gpt model = new Gpt(Preset.NANO.config(65), backend, 1);
          AdamW optimizer = new AdamW(model.parameters(), AdamW.Config.DEFAULT)) {
        model.plan(BATCH, TIME);
        ModelFixture.load(
            model,
            ModelFixture.tokens(BATCH * TIME, 65, 1),
            ModelFixture.tokens(BATCH * TIME, 65, 2));
        long deadline = System.nanoTime() + PATIENCE;
        long most = Long.MAX_VALUE;
        while (most >= LIMIT && System.nanoTime() < deadline) {
          most = 0;
          for (int i = 0; i < 10; i++) {
            long before = threads.getTotalThreadAllocatedBytes();
            step(model, optimizer);
            most = Math.max(most, threads.getTotalThreadAllocatedBytes() - before);
          }
        }
        System.out.println(most);
      }
    }

    private static void step(Gpt model, AdamW optimizer) {
      model.zeroGradients();
      model.setDraw(1, optimizer.steps());
      model.forward();
      model.backward(1);
      optimizer.step(1e-4f);
    }
  }
}
