import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Instructions by the unit they use.
 *
 * @param counts of each kind; missing kinds do not occur
 * @param predicated instructions with a guard, except branches
 * @param flops of all tensor-core instructions
 * @param flopsOfWarp the share of one warp
 * @param globalBytes bytes that a thread loads or copies from global memory
 * @param sharedBytes bytes that a thread loads from shared memory
 * @param widths loads, stores and copies by kind and width, e.g. "ld.shared 16 B"
 */
record InstructionMix(
    Map<PtxInstruction.Kind, Integer> counts,
    int predicated,
    long flops,
    long flopsOfWarp,
    long globalBytes,
    long sharedBytes,
    Map<String, Integer> widths) {
  static InstructionMix of(List<PtxInstruction> instructions) {
    Map<PtxInstruction.Kind, Integer> counts = new EnumMap<>(PtxInstruction.Kind.class);
    Map<String, Integer> widths = new TreeMap<>();
    int predicated = 0;
    long flops = 0;
    long flopsOfWarp = 0;
    long globalBytes = 0;
    long sharedBytes = 0;
    for (PtxInstruction each : instructions) {
      PtxInstruction.Kind kind = each.kind();
      counts.merge(kind, 1, Integer::sum);
      predicated += each.predicated() && kind != PtxInstruction.Kind.BRANCH ? 1 : 0;
      flops += each.flops();
      flopsOfWarp += each.flops() / each.warps();
      switch (kind) {
        case LOAD, STORE, ASYNC_COPY -> {
          widths.merge(access(each), 1, Integer::sum);
          boolean global =
              kind == PtxInstruction.Kind.ASYNC_COPY
                  || kind == PtxInstruction.Kind.LOAD
                      && each.space() == PtxInstruction.Space.GLOBAL;
          boolean shared =
              kind == PtxInstruction.Kind.LOAD && each.space() == PtxInstruction.Space.SHARED;
          globalBytes += global ? each.bytes() : 0;
          sharedBytes += shared ? each.bytes() : 0;
        }
        default -> {}
      }
    }
    return new InstructionMix(
        counts, predicated, flops, flopsOfWarp, globalBytes, sharedBytes, widths);
  }

  private static String access(PtxInstruction each) {
    String what =
        switch (each.kind()) {
          case LOAD -> "ld";
          case STORE -> "st";
          default -> "cp.async";
        };
    String where =
        each.kind() == PtxInstruction.Kind.ASYNC_COPY || each.space() == PtxInstruction.Space.OTHER
            ? ""
            : "." + each.space().name().toLowerCase(Locale.ROOT);
    return what + where + (each.bytes() == 0 ? "" : " " + each.bytes() + " B");
  }

  int count(PtxInstruction.Kind kind) {
    return counts.getOrDefault(kind, 0);
  }

  /** All instructions except register copies and address casts. */
  int instructions() {
    return counts.values().stream().mapToInt(Integer::intValue).sum()
        - count(PtxInstruction.Kind.MOVE);
  }

  /** For example "4 × ld.global 16 B, 2 × st.shared 4 B". */
  String accesses() {
    return widths.entrySet().stream()
        .map(each -> each.getValue() + " × " + each.getKey())
        .collect(Collectors.joining(", "));
  }
}
