package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.kernels.KernelRun.Build;
import dev.culebra.kernels.KernelRun.Launch;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A kernel for each class of bug in the use of Hopper's instructions, as in PlantedBugsTest. */
class PlantedHopperBugsTest {
  private static final String FAILED = "CUDA_ERROR_LAUNCH_FAILED";
  private static final String ILLEGAL = "CUDA_ERROR_ILLEGAL_ADDRESS";
  private static final String MISALIGNED = "CUDA_ERROR_MISALIGNED_ADDRESS";

  /** The behaviour of the release build. */
  enum Release {
    /** The same error. */
    FAILS,
    /** NaN, or a result that a device may also give. */
    SHOWS_IN_RESULTS,
    /** The bug need not show. */
    MAY_PASS
  }

  /** A kernel of planted_bugs_hopper.cu and the expected message. */
  enum Bug {
    PRODUCTS_WITHOUT_WAIT(Release.SHOWS_IN_RESULTS, "sums of a wgmma are read before"),
    PRODUCTS_WITHOUT_COMMIT(Release.SHOWS_IN_RESULTS, "sums of a wgmma are read before"),
    WAIT_FOR_TOO_FEW(Release.SHOWS_IN_RESULTS, "sums of a wgmma are read before"),
    SUMS_WRITTEN_UNDER_WAY(Release.FAILS, "written before it was waited for"),
    FRAGMENTS_WRITTEN_UNDER_WAY(Release.MAY_PASS, "registers that a wgmma reads are written"),
    PRODUCTS_WITHOUT_FENCE(Release.FAILS, "no wgmma.fence"),
    STORES_WITHOUT_PROXY_FENCE(Release.MAY_PASS, "without fence.proxy.async in between"),
    STORES_BEHIND_PROXY_FENCE(Release.MAY_PASS, "without fence.proxy.async in between"),
    MATRICES_WITHOUT_PROXY_FENCE(Release.MAY_PASS, "without fence.proxy.async in between"),
    OPERAND_WITHOUT_BARRIER(Release.MAY_PASS, "uninitialised shared memory"),
    OPERAND_OVERWRITTEN(Release.SHOWS_IN_RESULTS, "it writes what is read by a wgmma"),
    OPERAND_OVERWRITTEN_BEHIND_OWN_WAIT(Release.MAY_PASS, "it writes what is read by a wgmma"),
    OPERAND_MISALIGNED(Release.FAILS, MISALIGNED),
    OPERAND_OVER_THE_END_OF_ITS_ROWS(Release.FAILS, "exceeds its rows"),
    OPERAND_WITHOUT_SWIZZLE(Release.FAILS, "only the 128-byte swizzle"),
    OPERAND_OUTSIDE_OF_SHARED_MEMORY(Release.FAILS, ILLEGAL),
    WARPS_ISSUE_DIFFERENT_PRODUCTS(Release.FAILS, "have issued different products"),
    A_WARP_DOES_NOT_WAIT(Release.FAILS, "of the warpgroup has ended"),
    TOO_FEW_ARRIVALS(Release.FAILS, "1 of 5 arrivals missing"),
    WRONG_PARITY(Release.MAY_PASS, "race on shared memory"),
    ARRIVAL_WITHOUT_SYNCWARP(Release.MAY_PASS, "race on shared memory"),
    BARRIER_NOT_INITIALISED(Release.FAILS, "mbarrier: not initialised"),
    BARRIER_USED_AT_ONCE(Release.MAY_PASS, "race on shared memory"),
    BARRIER_OVERWRITTEN(Release.FAILS, "overwritten by something else"),
    SLOT_WRITTEN_BEFORE_IT_IS_FREE(Release.SHOWS_IN_RESULTS, "race on shared memory"),
    ARRIVAL_BEFORE_THE_COPIES(Release.SHOWS_IN_RESULTS, "still in flight"),
    COPIES_WITHOUT_PROXY_FENCE(Release.MAY_PASS, "without fence.proxy.async in between"),
    NAMED_BARRIER_OF_TWO_COUNTS(Release.FAILS, "barrier 3 is of 384 threads here, of 256"),
    NAMED_BARRIER_NOBODY_ELSE_COMES_TO(Release.FAILS, "128 to 255 at bar.sync"),
    NAMED_BARRIER_OF_THE_WRONG_ONES(Release.MAY_PASS, "race on shared memory"),
    MORE_REGISTERS_THAN_THERE_ARE(Release.FAILS, "32 + 240 + 240 registers"),
    MORE_REGISTERS_BEFORE_ANY_ARE_FREE(Release.FAILS, "128 to 383 at setmaxnreg.inc"),
    REGISTERS_OF_ONE_WARP(Release.FAILS, "0 to 31 at setmaxnreg.dec"),
    BLOCKS_WAIT_IN_A_CIRCLE(Release.FAILS, "all resident blocks are waiting for others"),
    BLOCK_WAITS_FOR_ONE_THAT_HAS_NOT_BEGUN(
        Release.FAILS, "all resident blocks are waiting for others"),
    FLAG_BEFORE_THE_DATA(Release.MAY_PASS, "race on global memory"),
    FLAG_WITHOUT_BARRIER(Release.MAY_PASS, "race on global memory"),
    ADDITIONS_WITHOUT_TURNS(Release.MAY_PASS, "race on global memory");

    private final Release release;
    private final String text;

    Bug(Release release, String text) {
      this.release = release;
      this.text = text;
    }

    private Launch launch(boolean planted) {
      int threads = compareTo(A_WARP_DOES_NOT_WAIT) <= 0 ? 128 : 384;
      int blocks =
          this == BLOCK_WAITS_FOR_ONE_THAT_HAS_NOT_BEGUN
              ? 80
              : compareTo(BLOCKS_WAIT_IN_A_CIRCLE) >= 0 ? 4 : 1;
      return new Launch(
          "planted_bugs_hopper",
          name().toLowerCase(Locale.ROOT),
          blocks,
          threads,
          48 << 10,
          planted ? 1 : 0);
    }

    private String error() {
      return text.startsWith("CUDA_") ? text : FAILED;
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
    assertThat(run.said()).contains(bug.error(), bug.text);
  }

  /** Without its bug the kernel has one result, in any order of threads and blocks. */
  @ParameterizedTest
  @EnumSource
  void isNotReportedWithoutABug(Bug bug) {
    KernelRun expected = KernelRun.of(Build.RELEASE, bug.launch(false));

    assertThat(expected.ended()).as(expected.said()).isTrue();
    for (String order : new String[] {"forward", "reverse", "random:5", "greedy:5"}) {
      KernelRun run =
          KernelRun.of(Build.CHECKED, bug.launch(false), Map.of("CULEBRA_SIM_ORDER", order));
      assertThat(run.said()).as(order).isEqualTo(expected.said());
    }
  }

  @ParameterizedTest
  @EnumSource
  void theReleaseBuildBehavesAsExpected(Bug bug) {
    KernelRun run = KernelRun.of(Build.RELEASE, bug.launch(true));

    switch (bug.release) {
      case FAILS -> {
        assertThat(run.ended()).as(run.said()).isFalse();
        assertThat(run.said()).contains(bug.error(), bug.text);
      }
      case SHOWS_IN_RESULTS -> {
        assertThat(run.ended()).as(run.said()).isTrue();
        assertThat(run.said()).isNotEqualTo(KernelRun.of(Build.RELEASE, bug.launch(false)).said());
      }
      case MAY_PASS -> {}
    }
  }
}
