import java.util.Comparator;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How long a launch or a product takes at least.
 *
 * @param micros what each part of the GPU needs for it alone
 * @param launch microseconds that come on top
 */
record Prediction(Map<Limit, Double> micros, double launch) {
  /** Parts of a GPU that work side by side: the one that is busy longest binds. */
  enum Limit {
    MEMORY,
    L2,
    TENSOR,
    SPECIAL,
    ISSUE,
    SHARED;

    String label() {
      return this == L2 ? "L2" : name().toLowerCase(Locale.ROOT);
    }
  }

  /** All that a kernel touches stays in the L2 cache if it is less than this part of it. */
  private static final double KEPT = 0.5;

  private static final double MICROS = 1e6;
  private static final double GIGA = 1e9;
  private static final double TERA = 1e12;

  /**
   * @param ptx the kernel's code, from which the instructions that are not counted are estimated
   */
  static Prediction of(LaunchWork work, GpuRates gpu, Optional<PtxEntry> ptx) {
    Map<Limit, Double> micros = new EnumMap<>(Limit.class);
    double cycles = gpu.cycles(work.blocks());
    ProfileLog.Counts loads = work.count(ProfileLog.Event.GLOBAL_LOAD);
    double sectors =
        loads.first()
            + work.count(event -> event.isGlobal() && event != ProfileLog.Event.GLOBAL_LOAD)
                .moved();
    boolean kept = work.bytes() < KEPT * gpu.l2Bytes();
    micros.put(Limit.MEMORY, kept ? 0 : work.bytes() / (gpu.memory() * GIGA) * MICROS);
    micros.put(Limit.L2, sectors * LaunchWork.SECTOR / (gpu.l2() * GIGA) * MICROS);
    micros.put(
        Limit.TENSOR,
        (work.count(ProfileLog.Event.WGMMA).work() / gpu.tensor()
                + work.count(ProfileLog.Event.MMA).work() / gpu.mma())
            / TERA
            * gpu.multiprocessors()
            / Math.min(gpu.multiprocessors(), Math.max(1, work.blocks()))
            * MICROS);
    ProfileLog.Counts special = work.count(ProfileLog.Event.SPECIAL);
    double operations = special.lanes() == 0 ? 0 : special.work() / special.lanes();
    micros.put(Limit.SPECIAL, special.requests() * operations * 32 / GpuRates.SPECIAL / cycles);
    micros.put(
        Limit.ISSUE,
        ptx.map(entry -> instructions(work, entry)).orElse(0.0) / GpuRates.ISSUED / cycles);
    micros.put(
        Limit.SHARED,
        work.count(ProfileLog.Event::isShared).moved() / GpuRates.WAVEFRONTS / cycles);
    return new Prediction(micros, gpu.launchMicros());
  }

  static Prediction of(double flops, double bytes, boolean tensorCores, GpuRates gpu) {
    Map<Limit, Double> micros = new EnumMap<>(Limit.class);
    micros.put(Limit.MEMORY, bytes / (gpu.memory() * GIGA) * MICROS);
    if (tensorCores) {
      micros.put(Limit.TENSOR, flops / (gpu.tensor() * TERA) * MICROS);
    } else {
      double fmas = 128 * gpu.cycles(gpu.multiprocessors());
      micros.put(Limit.ISSUE, flops / 2 / fmas);
    }
    return new Prediction(micros, gpu.launchMicros());
  }

  /**
   * Warp instructions, estimated: the kernel's hottest loop stands for all of it. If that loop has
   * tensor-core instructions, it has so many others for each, and these are counted; else the same
   * with the kinds of loads and stores that it has.
   */
  static double instructions(LaunchWork work, PtxEntry entry) {
    InstructionMix mix = hottest(work, entry);
    int products = mix.count(PtxInstruction.Kind.TENSOR_CORE);
    double counted =
        work.count(ProfileLog.Event.MMA).requests() + work.count(ProfileLog.Event.WGMMA).requests();
    if (products > 0 && counted > 0) {
      return counted * mix.instructions() / products;
    }
    int inLoop = 0;
    double done = 0;
    for (Map.Entry<String, Integer> access : mix.widths().entrySet()) {
      if (work.accesses().containsKey(access.getKey())) {
        inLoop += access.getValue();
        done += work.accesses().get(access.getKey());
      }
    }
    return inLoop == 0 ? 0 : done * mix.instructions() / inLoop;
  }

  /**
   * The code that stands for all of a kernel: its hottest loop among those that do what was
   * counted, or all of it if there is none. (Most kernels have loops for packs and for single
   * elements, of which one runs.)
   */
  private static InstructionMix hottest(LaunchWork work, PtxEntry entry) {
    return PtxLoop.hottest(
            PtxLoop.of(entry).stream()
                .filter(loop -> isRun(work, InstructionMix.of(loop.own())))
                .toList())
        .map(loop -> InstructionMix.of(loop.own()))
        .orElseGet(() -> InstructionMix.of(entry.instructions()));
  }

  /** Whether half of its kinds of accesses were counted, or it has tensor-core instructions. */
  private static boolean isRun(LaunchWork work, InstructionMix loop) {
    long counted = loop.widths().keySet().stream().filter(work.accesses()::containsKey).count();
    return loop.count(PtxInstruction.Kind.TENSOR_CORE) > 0
        || counted > 0 && 2 * counted >= loop.widths().size();
  }

  /**
   * FLOPs outside of tensor cores, estimated likewise: one for each fp32 instruction of a thread.
   */
  static double fp32(LaunchWork work, PtxEntry entry) {
    InstructionMix mix = hottest(work, entry);
    return 32
        * instructions(work, entry)
        * mix.count(PtxInstruction.Kind.FP32)
        / mix.instructions();
  }

  Limit binding() {
    return micros.entrySet().stream()
        .max(Comparator.comparingDouble(Map.Entry::getValue))
        .orElseThrow()
        .getKey();
  }

  double micros(Limit limit) {
    return micros.getOrDefault(limit, 0.0);
  }

  /** The longest of them, and the launch. */
  double total() {
    return micros(binding()) + launch;
  }
}
