package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a build handles kernels that differ from the baseline. */
class BaselineTest {
  /** For one GPU only, to build faster. */
  private static final String GOOD =
      """
      // target compute_90a
      extern "C" __global__ void __launch_bounds__(1024) sum_f32(float *x, int n) {
        float sum = 0;
      #pragma unroll 1
        for (int i = threadIdx.x; i < n; i += 1024) sum += x[i];
        x[threadIdx.x] = sum;
      }
      """;

  private static final String BRANCHING =
      GOOD.replace(
          "sum += x[i];",
          """
          {
            asm volatile("{ .reg .pred p; setp.lt.f32 p, %0, 0f3f800000; @p bra A; add.f32 %0, %0, 0f3f800000; A: }" : "+f"(sum));
            asm volatile("{ .reg .pred p; setp.lt.f32 p, %0, 0f40000000; @p bra A; add.f32 %0, %0, 0f40000000; A: }" : "+f"(sum));
            asm volatile("{ .reg .pred p; setp.lt.f32 p, %0, 0f40400000; @p bra A; add.f32 %0, %0, 0f40400000; A: }" : "+f"(sum));
            sum += x[i];
          }
          """);

  /** One more instruction, but not a slow one. */
  private static final String A_LITTLE_LONGER = GOOD.replace("+= x[i]", "= 2 * sum + x[i] * x[i]");

  private static final String ADVICE = "-Dkernels.baseline=accept";

  @TempDir private Path folder;

  private KernelBuild build;

  @BeforeEach
  void needNvcc() throws IOException {
    KernelBuild.assumeNvcc();
    build = new KernelBuild(folder);
  }

  @Test
  void aKernelThatBecameWorseFailsUntilTheBaselineIsAccepted() throws Exception {
    KernelBuild.Built missing = build.build(GOOD, "check");
    assertThat(missing.exitCode()).isOne();
    assertThat(missing.said()).contains("there is no baseline", "profile.md", ADVICE);
    assertThat(build.build(GOOD, "accept").exitCode()).isZero();
    String accepted = Files.readString(build.baseline());
    assertThat(accepted).containsPattern("\\| sum_f32 \\| – \\| – \\| \\d+ / 64 \\| – \\|");
    assertThat(build.build(GOOD, "check").said()).contains("up to date");

    KernelBuild.Built worse = build.build(BRANCHING, "check");
    assertThat(worse.exitCode()).isOne();
    assertThat(worse.said())
        .contains("differs: sum_f32: 4 branches in its hottest loop, were 1", ADVICE);
    assertThat(build.ptx().resolve("index.json")).doesNotExist();
    assertThat(Files.readString(build.baseline())).isEqualTo(accepted);
    assertThat(build.build(BRANCHING, "check").exitCode()).as("once more").isOne();

    assertThat(build.build(BRANCHING, "accept").exitCode()).isZero();
    assertThat(Files.readString(build.baseline())).isNotEqualTo(accepted);
    assertThat(build.build(BRANCHING, "check").said()).contains("up to date");

    KernelBuild.Built better = build.build(GOOD, "check");
    assertThat(better.exitCode()).isZero();
    assertThat(better.said())
        .contains("better: sum_f32: 1 branches in its hottest loop, were 4")
        .doesNotContain(ADVICE);
  }

  @Test
  void aBaselineAddedLaterIsComparedWithoutCompiling() throws Exception {
    build.build(GOOD, "accept");
    Files.writeString(build.baseline(), Files.readString(build.baseline()).replace("/ 64", "/ 65"));
    KernelBuild.Built built = build.build(GOOD, "check");
    assertThat(built.said())
        .contains("compiling 0 of 1", "differs: sum_f32, sm_90a: 64 resident warps, were 65");
    assertThat(built.exitCode()).isOne();
  }

  @Test
  void aSmallIncreaseIsNotAFailure() throws Exception {
    build.build(GOOD, "accept");
    KernelBuild.Built built = build.build(A_LITTLE_LONGER, "check");
    assertThat(built.said()).doesNotContain("differs");
    assertThat(built.exitCode()).isZero();
  }

  @Test
  void anyMoreBytesAreAFailure() throws Exception {
    build.build(GOOD, "accept");
    KernelBuild.Built built = build.build(GOOD.replace("+= x[i]", "+= x[i] * x[i + 1]"), "check");
    assertThat(built.said())
        .contains(
            "differs: sum_f32: 8 bytes loaded from global memory in its hottest loop, were 4");
    assertThat(built.exitCode()).isOne();
  }

  @Test
  void newAndRemovedKernelsMustBeAccepted() throws Exception {
    build.build(GOOD, "accept");
    KernelBuild.Built built = build.build(GOOD.replace("sum_f32", "total_f32"), "check");
    assertThat(built.exitCode()).isOne();
    assertThat(built.said())
        .contains("sum_f32: in the baseline, but no kernel", "total_f32: new, not in the", ADVICE);
  }

  @Test
  void theFiguresOfAnotherCompilerAreOnlyPrinted() throws Exception {
    build.build(GOOD, "accept");
    Files.writeString(
        build.baseline(),
        Files.readString(build.baseline())
            .replaceFirst("Compiled by nvcc \\S+\\.\n", "Compiled by nvcc 12.4.131.\n"));
    KernelBuild.Built built = build.build(BRANCHING, "check");
    assertThat(built.said())
        .contains("differs: sum_f32: 4 branches", "12.4.131", "this is not a failure")
        .doesNotContain(ADVICE);
    assertThat(built.exitCode()).isZero();
  }

  @Test
  void aBaselineThatCannotBeReadIsNamedWithItsLine() throws Exception {
    build.build(GOOD, "accept");
    String accepted = Files.readString(build.baseline());
    Files.writeString(build.baseline(), accepted + "<<<<<<< HEAD\n");
    KernelBuild.Built built = build.build(GOOD, "check");
    assertThat(built.exitCode()).isOne();
    assertThat(built.said()).contains("profile.md:12: left by a merge", ADVICE);
    Files.writeString(build.baseline(), accepted.replace("/ 64", "/ many"));
    assertThat(build.build(GOOD, "check").said())
        .contains("profile.md:11: not a row of the table: | sum_f32 |")
        .doesNotContain("Exception");
  }

  @Test
  void onlyCheckAndAcceptAreValid() throws Exception {
    KernelBuild.Built built = build.build(GOOD, "maybe");
    assertThat(built.exitCode()).isEqualTo(2);
    assertThat(built.said()).contains("usage: java BuildKernels.java").doesNotContain("Exception");
  }
}
