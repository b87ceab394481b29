import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The resources of a multiprocessor. The sizes are from "Technical Specifications per Compute
 * Capability" in the CUDA C++ Programming Guide; they are allocated as in {@code cuda_occupancy.h}
 * of the CUDA toolkit.
 *
 * @param name as in ptxas
 * @param warps most resident warps
 * @param blocks most resident blocks
 * @param registers number of 32-bit registers
 * @param shared bytes of shared memory
 */
record Gpu(String name, int warps, int blocks, int registers, int shared) {
  /** The GPUs that kernels are assembled for, in the order of the tables. */
  static final List<Gpu> ALL =
      List.of(
          new Gpu("sm_80", 64, 32, 65536, 164 << 10),
          new Gpu("sm_90", 64, 32, 65536, 228 << 10),
          new Gpu("sm_90a", 64, 32, 65536, 228 << 10),
          new Gpu("sm_100", 64, 32, 65536, 228 << 10));

  private static final int WARP = 32;

  /** Registers are allocated to a warp in units of this many … */
  private static final int REGISTER_UNIT = 256;

  /** … from the quarter of the multiprocessor where the warp runs. */
  private static final int QUARTERS = 4;

  /** Shared memory is allocated to a block in units of this many bytes … */
  private static final int SHARED_UNIT = 128;

  /** … after the system's own share in each block. */
  private static final int SHARED_OF_SYSTEM = 1024;

  /**
   * How much of a kernel fits on a multiprocessor at a time.
   *
   * @param blocks most resident blocks
   * @param warps of these blocks
   * @param limit the resource that limits it
   */
  record Residency(int blocks, int warps, String limit) {}

  private record Limit(int blocks, String of) {}

  static Gpu named(String name) {
    return ALL.stream().filter(gpu -> gpu.name.equals(name)).findFirst().orElseThrow();
  }

  /**
   * How much of a kernel is resident, ignoring dynamic shared memory, which only the launch knows.
   *
   * @param threads threads per block
   * @param perThread registers per thread
   * @param staticShared bytes per block
   * @param barriers barriers per block
   */
  Residency residency(int threads, int perThread, int staticShared, int barriers) {
    int warpsOfBlock = roundUp(threads, WARP) / WARP;
    int registersOfWarp = roundUp(perThread * WARP, REGISTER_UNIT);
    int warpsByRegisters = registers / QUARTERS / registersOfWarp * QUARTERS;
    int sharedOfBlock = roundUp(staticShared + SHARED_OF_SYSTEM, SHARED_UNIT);
    // Of equal limits, the first is named.
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
