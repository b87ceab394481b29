import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * What a launch does, all its instructions together.
 *
 * @param readSectors different sectors of 32 bytes that it reads before it writes them, if it does
 * @param accesses instructions of a warp by what they are and how wide, as {@link
 *     InstructionMix#widths} names them
 */
record LaunchWork(
    String kernel,
    double blocks,
    double readSectors,
    double writtenSectors,
    Map<ProfileLog.Event, ProfileLog.Counts> events,
    Map<String, Double> accesses) {
  static final int SECTOR = 32;

  /** Multiprocessors of the simulated GPU. */
  private static final int SIMULATED = 4;

  /** Blocks of a multiprocessor, at most, in grids that are made to fill the GPU. */
  private static final int FILLING = 4;

  static LaunchWork of(ProfileLog.Kernel kernel) {
    Map<ProfileLog.Event, ProfileLog.Counts> events = new EnumMap<>(ProfileLog.Event.class);
    Map<String, Double> accesses = new TreeMap<>();
    for (ProfileLog.Site site : kernel.sites()) {
      events.merge(site.event(), site.counts(), ProfileLog.Counts::plus);
      String access = access(site);
      if (!access.isEmpty()) {
        accesses.merge(access, site.counts().requests(), Double::sum);
      }
    }
    return new LaunchWork(
        kernel.name(),
        kernel.blocks(),
        kernel.readSectors(),
        kernel.writtenSectors(),
        events,
        accesses);
  }

  private static String access(ProfileLog.Site site) {
    String what =
        switch (site.event()) {
          case GLOBAL_LOAD -> "ld.global";
          case GLOBAL_STORE -> "st.global";
          case SHARED_LOAD, MATRIX_LOAD -> "ld.shared";
          case SHARED_STORE, MATRIX_STORE -> "st.shared";
          case SHARED_COPY -> "cp.async";
          default -> "";
        };
    long bytes = Math.round(site.counts().work() / site.counts().lanes());
    return what.isEmpty() ? "" : what + " " + bytes + " B";
  }

  ProfileLog.Counts count(ProfileLog.Event event) {
    return events.getOrDefault(event, ProfileLog.Counts.NONE);
  }

  /** Of several kinds of instructions. */
  ProfileLog.Counts count(Predicate<ProfileLog.Event> kinds) {
    ProfileLog.Counts sum = ProfileLog.Counts.NONE;
    for (Map.Entry<ProfileLog.Event, ProfileLog.Counts> each : events.entrySet()) {
      sum = kinds.test(each.getKey()) ? sum.plus(each.getValue()) : sum;
    }
    return sum;
  }

  double bytes() {
    return (readSectors + writtenSectors) * SECTOR;
  }

  /** FLOPs of tensor cores. */
  double flops() {
    return count(ProfileLog.Event.MMA).work() + count(ProfileLog.Event.WGMMA).work();
  }

  /**
   * The same on a GPU of so many multiprocessors, if {@code other}, of another batch, has as many
   * blocks: then the grid is one that fills the GPU, unless it is a single block.
   */
  LaunchWork filling(LaunchWork other, int multiprocessors) {
    boolean fills = blocks == other.blocks && blocks > 1 && blocks <= FILLING * SIMULATED;
    double all = fills ? blocks * multiprocessors / SIMULATED : blocks;
    return new LaunchWork(kernel, all, readSectors, writtenSectors, events, accesses);
  }

  /** All of it at another size: this and {@code factor} times the way to the other. */
  LaunchWork toward(LaunchWork other, double factor) {
    if (!kernel.equals(other.kernel)) {
      throw new IllegalArgumentException(
          "%s at one batch, %s at the other".formatted(kernel, other.kernel));
    }
    Map<ProfileLog.Event, ProfileLog.Counts> all = new EnumMap<>(ProfileLog.Event.class);
    for (ProfileLog.Event event : ProfileLog.Event.values()) {
      if (events.containsKey(event) || other.events.containsKey(event)) {
        all.put(event, count(event).toward(other.count(event), factor));
      }
    }
    Map<String, Double> wide = new TreeMap<>(accesses);
    other.accesses.forEach(
        (access, its) -> {
          double ours = accesses.getOrDefault(access, 0.0);
          wide.put(access, ours + factor * (its - ours));
        });
    return new LaunchWork(
        kernel,
        blocks + factor * (other.blocks - blocks),
        readSectors + factor * (other.readSectors - readSectors),
        writtenSectors + factor * (other.writtenSectors - writtenSectors),
        all,
        wide);
  }
}
