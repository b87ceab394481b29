package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.kernels.KernelRun.Build;
import dev.culebra.kernels.KernelRun.Launch;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/**
 * A kernel for each class of bug: the checked build finds the bug, and nothing in the same kernel
 * without it.
 */
class PlantedBugsTest {
  private static final String FAILED = "CUDA_ERROR_LAUNCH_FAILED";
  private static final String ILLEGAL = "CUDA_ERROR_ILLEGAL_ADDRESS";
  private static final String MISALIGNED = "CUDA_ERROR_MISALIGNED_ADDRESS";

  /** A kernel of planted_bugs.cu and the expected message. */
  enum Bug {
    READ_BEFORE_BARRIER(FAILED, "uninitialised shared memory"),
    WRITE_BEFORE_BARRIER(FAILED, "race on shared memory"),
    TWO_WRITERS(FAILED, "it writes what is written by thread 0 of this block"),
    LANES_WITHOUT_SYNCWARP(FAILED, "uninitialised shared memory"),
    BLOCKS_SHARE_A_ROW(FAILED, "race on global memory"),
    ATOMIC_AND_PLAIN(FAILED, "race on global memory"),
    COUNTS_BEFORE_ITS_DATA_IS_WRITTEN(FAILED, "race on global memory"),
    READ_BEHIND_THE_END(ILLEGAL, "1024 bytes after the start of 1024 bytes"),
    WRITE_BEFORE_THE_START(ILLEGAL, "write of 4 bytes"),
    INDEX_OUTSIDE_OF_ARRAY(ILLEGAL, "index 64 is outside its array"),
    DYNAMIC_SHARED_TOO_SMALL(ILLEGAL, "of which the launch provides 256"),
    MISALIGNED_PACK(MISALIGNED, "not a multiple of 16"),
    NULL_POINTER(ILLEGAL, "read of 4 bytes at (nil)"),
    UNINITIALISED_SHARED(FAILED, "uninitialised shared memory"),
    UNINITIALISED_GLOBAL(FAILED, "uninitialised global memory"),
    SOME_THREADS_SKIP_THE_BARRIER(FAILED, "some threads have ended"),
    BARRIERS_IN_TWO_BRANCHES(FAILED, "threads wait in several places"),
    HALF_A_WARP_AT_THE_BARRIER(FAILED, "deadlock"),
    SHUFFLE_WITH_LANES_THAT_ENDED(FAILED, "deadlock"),
    SHUFFLE_OUTSIDE_OF_ITS_MASK(FAILED, "not in its own mask"),
    COPY_WITHOUT_WAIT(FAILED, "still in flight"),
    TRAP(FAILED, "__trap");

    private final String error;
    private final String text;

    Bug(String error, String text) {
      this.error = error;
      this.text = text;
    }

    private Launch launch(boolean planted) {
      String kernel = name().toLowerCase(java.util.Locale.ROOT);
      boolean two =
          this == BLOCKS_SHARE_A_ROW
              || this == ATOMIC_AND_PLAIN
              || this == COUNTS_BEFORE_ITS_DATA_IS_WRITTEN;
      int blocks = two ? 2 : 1;
      return new Launch("planted_bugs", kernel, blocks, 64, 256, planted ? 1 : 0);
    }

    /** Whether its message names a source line: accesses do, barriers name their own. */
    private boolean isOfAnAccess() {
      return ordinal() <= UNINITIALISED_GLOBAL.ordinal() && this != ATOMIC_AND_PLAIN;
    }
  }

  @BeforeEach
  void needsTheSimulator() {
    TestDevice.assumeSimulator();
  }

  @ParameterizedTest
  @EnumSource
  void isFound(Bug bug) {
    KernelRun run = KernelRun.of(Build.CHECKED, bug.launch(true));

    assertThat(run.ended()).as(run.said()).isFalse();
    assertThat(run.said()).contains(bug.error, bug.text);
    if (bug.isOfAnAccess()) {
      assertThat(run.said()).containsPattern("at planted_bugs.cu:\\d+");
    }
  }

  @ParameterizedTest
  @EnumSource
  void isNotReportedWithoutABug(Bug bug) {
    KernelRun run = KernelRun.of(Build.CHECKED, bug.launch(false));

    assertThat(run.ended()).as(run.said()).isTrue();
  }

  /** A kernel without a bug gives the same results in any order of threads. */
  @ParameterizedTest
  @EnumSource
  void ordersGiveTheSameResults(Bug bug) {
    String expected = KernelRun.of(Build.RELEASE, bug.launch(false)).said();
    for (String order : new String[] {"reverse", "random:5", "greedy:5"}) {
      KernelRun run =
          KernelRun.of(Build.CHECKED, bug.launch(false), Map.of("CULEBRA_SIM_ORDER", order));
      assertThat(run.said()).as(order).isEqualTo(expected);
    }
  }

  /** The release build also checks guard pages and the bytes after shared memory, at no cost. */
  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {
        "READ_BEHIND_THE_END",
        "WRITE_BEFORE_THE_START",
        "DYNAMIC_SHARED_TOO_SMALL",
        "NULL_POINTER",
        "SOME_THREADS_SKIP_THE_BARRIER",
        "BARRIERS_IN_TWO_BRANCHES",
        "HALF_A_WARP_AT_THE_BARRIER",
        "TRAP"
      })
  void isFoundByTheReleaseBuildToo(Bug bug) {
    KernelRun run = KernelRun.of(Build.RELEASE, bug.launch(true));

    assertThat(run.ended()).as(run.said()).isFalse();
    assertThat(run.said()).contains(bug.error);
  }

  /** Data that was not written, or has not landed yet, is NaN. */
  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {"UNINITIALISED_SHARED", "UNINITIALISED_GLOBAL", "COPY_WITHOUT_WAIT"})
  void showsInTheResultsOfTheReleaseBuild(Bug bug) {
    assertThat(KernelRun.of(Build.RELEASE, bug.launch(true)).results()).contains(Double.NaN);
    assertThat(KernelRun.of(Build.RELEASE, bug.launch(false)).results()).doesNotContain(Double.NaN);
  }
}
