import java.util.List;
import java.util.Locale;

/**
 * What a GPU can do at most, as far as that is known: what was measured stands in the place of what
 * the maker states.
 *
 * @param multiprocessors that the product has
 * @param gigahertz of the multiprocessors, the highest boost clock
 * @param memory GB/s that a copy reads and writes
 * @param l2Bytes size of the L2 cache
 * @param l2 GB/s of the L2 cache
 * @param tensor TFLOP/s of large bf16 products with fp32 sums
 * @param mma TFLOP/s of the same by {@code mma.sync}, which Hopper has only for older code
 * @param launchMicros of a kernel that does nothing
 * @param sources where the figures are from
 */
record GpuRates(
    String name,
    int multiprocessors,
    double gigahertz,
    double memory,
    double l2Bytes,
    double l2,
    double tensor,
    double mma,
    double launchMicros,
    String sources) {
  /** Warp instructions that a multiprocessor issues in a cycle: one in each quarter. */
  static final double ISSUED = 4;

  /**
   * Special functions of a cycle and multiprocessor, for all of 8.0, 8.9 and 9.0: CUDA C++
   * Programming Guide, "Throughput of Native Arithmetic Instructions".
   */
  static final double SPECIAL = 16;

  /** Wavefronts of shared memory, 128 bytes each, of a cycle and multiprocessor. */
  static final double WAVEFRONTS = 1;

  private static final double MIB = 1 << 20;

  // Of what NVIDIA states, measured on an H200.
  private static final double COPY = 4262.0 / 4800;
  private static final double PRODUCTS = 827.0 / 989.4;
  private static final double MMA_ON_HOPPER = 640.0 / 989.4;
  private static final double LAUNCH = 2.2;

  private static final String ASSUMED =
      "; memory 89 % of that, products 84 %, a launch of 2.2 µs: as the H200 measured, assumed here";

  static final List<GpuRates> ALL =
      List.of(
          new GpuRates(
              "h200",
              132,
              1.98,
              4800 * COPY,
              50 * MIB,
              5120 * 1.755,
              989.4 * PRODUCTS,
              989.4 * MMA_ON_HOPPER,
              LAUNCH,
              "multiprocessors, clock and size of L2 from NVIDIA's H100 white paper; L2 5120 bytes a cycle, which NVIDIA states"
                  + " of the A100, assumed; copy 4262 GB/s (stated: 4800), the fastest product of a step 827 TFLOP/s (stated:"
                  + " 989.4), a launch 2.2 µs measured on an H200, bench/results/2026-11-27-h200-hopper; mma.sync 640 TFLOP/s"
                  + " measured there the same day"),
          new GpuRates(
              "h100",
              132,
              1.98,
              3350 * COPY,
              50 * MIB,
              5120 * 1.755,
              989.4 * PRODUCTS,
              989.4 * MMA_ON_HOPPER,
              LAUNCH,
              "NVIDIA's H100 data sheet, SXM: memory 3350 GB/s, tensor cores 989.4 TFLOP/s; H100 white paper:"
                  + " multiprocessors, clock, size of L2; L2 5120 bytes a cycle, assumed; mma.sync 65 %, as on the H200"
                  + ASSUMED),
          new GpuRates(
              "a100",
              108,
              1.41,
              2039 * COPY,
              40 * MIB,
              5120 * 1.41,
              312 * PRODUCTS,
              312 * PRODUCTS,
              LAUNCH,
              "NVIDIA's A100 data sheet, SXM with 80 GB: memory 2039 GB/s, tensor cores 312 TFLOP/s; A100 white paper:"
                  + " multiprocessors, clock, L2 of 40 MB and 5120 bytes a cycle"
                  + ASSUMED),
          new GpuRates(
              "rtx4090",
              128,
              2.52,
              1008 * COPY,
              72 * MIB,
              5000,
              165.2 * PRODUCTS,
              165.2 * PRODUCTS,
              LAUNCH,
              "NVIDIA's white paper of Ada: multiprocessors, clock, memory 1008 GB/s, L2 of 72 MB, tensor cores with fp32 sums"
                  + " 165.2 TFLOP/s; L2 5000 GB/s, assumed"
                  + ASSUMED));

  static GpuRates named(String name) {
    return ALL.stream()
        .filter(gpu -> gpu.name.equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--gpu %s: known are %s"
                        .formatted(
                            name, String.join(", ", ALL.stream().map(GpuRates::name).toList()))));
  }

  /** Cycles of multiprocessors in a microsecond, of as many as have a block. */
  double cycles(double blocks) {
    return Math.min(multiprocessors, Math.max(1, blocks)) * gigahertz * 1e3;
  }
}
