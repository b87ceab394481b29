import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a multiprocessor has to share out among blocks. The sizes are those of "Technical
 * Specifications per Compute Capability" in the CUDA C++ Programming Guide; how they are shared out
 * is what {@code cuda_occupancy.h} of the CUDA toolkit computes.
 *
 * @param name as ptxas calls it
 * @param warps that are resident at most
 * @param blocks that are resident at most
 * @param registers of 32 bits
 * @param shared bytes of shared memory
 */
record Gpu(String name, int warps, int blocks, int registers, int shared) {
  /** Those that kernels are assembled for, in the order of the tables. */
  static final List<Gpu> ALL =
      List.of(
          new Gpu("sm_80", 64, 32, 65536, 164 << 10),
          new Gpu("sm_90", 64, 32, 65536, 228 << 10),
          new Gpu("sm_90a", 64, 32, 65536, 228 << 10),
          new Gpu("sm_100", 64, 32, 65536, 228 << 10));

  private static final int WARP = 32;

  /** Registers are shared out to a warp in units of this many … */
  private static final int REGISTER_UNIT = 256;

  /** … from the quarter of the multiprocessor where the warp runs. */
  private static final int QUARTERS = 4;

  /** Shared memory is shared out to a block in units of this many bytes … */
  private static final int SHARED_UNIT = 128;

  /** … after what the system keeps for itself in each block. */
  private static final int SHARED_OF_SYSTEM = 1024;

  /**
   * What of a kernel fits on a multiprocessor at a time.
   *
   * @param blocks at most
   * @param warps of these blocks
   * @param limit what there would have to be more of, for more of them
   */
  record Residency(int blocks, int warps, String limit) {}

  private record Limit(int blocks, String of) {}

  static Gpu named(String name) {
    return ALL.stream().filter(gpu -> gpu.name.equals(name)).findFirst().orElseThrow();
  }

  /**
   * How much of a kernel is resident, its dynamic shared memory left aside: only the launch knows
   * it.
   *
   * @param threads of a block
   * @param perThread registers
   * @param staticShared bytes of a block
   * @param barriers that a block uses
   */
  Residency residency(int threads, int perThread, int staticShared, int barriers) {
    int warpsOfBlock = roundUp(threads, WARP) / WARP;
    int registersOfWarp = roundUp(perThread * WARP, REGISTER_UNIT);
    int warpsByRegisters = registers / QUARTERS / registersOfWarp * QUARTERS;
    int sharedOfBlock = roundUp(staticShared + SHARED_OF_SYSTEM, SHARED_UNIT);
    // Of limits that are equal the first is named.
    Limit limit =
        Stream.of(
                new Limit(warps / warpsOfBlock, "warps"),
                new Limit(blocks, "blocks"),
                new Limit(warpsByRegisters / warpsOfBlock, "registers"),
                new Limit(shared / sharedOfBlock, "shared memory"),
                new Limit(2 * blocks / Math.max(1, barriers), "barriers"))
            .min(Comparator.comparingInt(Limit::blocks))
            .orElseThrow();
    return new Residency(limit.blocks, limit.blocks * warpsOfBlock, limit.of);
  }

  private static int roundUp(int number, int unit) {
    return (number + unit - 1) / unit * unit;
  }
}
