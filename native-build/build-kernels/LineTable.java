import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** What each line of the kernels moves, in all launches together. */
final class LineTable {
  private static final int WORST = 20;

  /** An instruction of a kernel; {@code offset} is where in the module's library it stands. */
  private record Instruction(String kernel, Path module, ProfileLog.Event event, long offset) {}

  private record Line(String kernel, String place, ProfileLog.Event event) {}

  private final Map<Instruction, ProfileLog.Counts> counts = new LinkedHashMap<>();

  private LineTable() {}

  /** Of all launches of a log. */
  static LineTable of(ProfileLog log) {
    LineTable table = new LineTable();
    for (ProfileLog.Kernel kernel : log.kernels()) {
      instructions(kernel)
          .forEach(
              (instruction, its) ->
                  table.add(instruction, ProfileLog.Counts.NONE.toward(its, kernel.times())));
    }
    return table;
  }

  /** Of a step's operations, {@code factor} times the way from one batch to another. */
  static LineTable of(ProfileLog one, ProfileLog other, double factor) {
    LineTable table = new LineTable();
    List<ProfileLog.Kernel> launches = one.launchesOfOperations();
    List<ProfileLog.Kernel> others = other.launchesOfOperations();
    for (int i = 0; i < launches.size(); i++) {
      Map<Instruction, ProfileLog.Counts> here = instructions(launches.get(i));
      Map<Instruction, ProfileLog.Counts> there = instructions(others.get(i));
      Set<Instruction> all = new HashSet<>(here.keySet());
      all.addAll(there.keySet());
      for (Instruction each : all) {
        ProfileLog.Counts its = there.getOrDefault(each, ProfileLog.Counts.NONE);
        table.add(each, here.getOrDefault(each, ProfileLog.Counts.NONE).toward(its, factor));
      }
    }
    return table;
  }

  private static Map<Instruction, ProfileLog.Counts> instructions(ProfileLog.Kernel kernel) {
    Map<Instruction, ProfileLog.Counts> all = new LinkedHashMap<>();
    for (ProfileLog.Site site : kernel.sites()) {
      all.put(
          new Instruction(kernel.name(), kernel.module(), site.event(), site.offset()),
          site.counts());
    }
    return all;
  }

  private void add(Instruction instruction, ProfileLog.Counts its) {
    counts.merge(instruction, its, ProfileLog.Counts::plus);
  }

  /** The lines that waste most. */
  String worst() throws IOException {
    List<Map.Entry<Line, ProfileLog.Counts>> lines =
        lines(kernel -> true).entrySet().stream()
            .filter(each -> wasted(each) > 0)
            .sorted(Comparator.comparingDouble(LineTable::wasted).reversed())
            .limit(WORST)
            .toList();
    return "## Lines that move more than they need\n\n" + table(lines);
  }

  /** Every line of the chosen kernels. */
  String all(Predicate<String> kernels) throws IOException {
    List<Map.Entry<Line, ProfileLog.Counts>> lines =
        lines(kernels).entrySet().stream()
            .sorted(
                Comparator.comparing(
                        (Map.Entry<Line, ProfileLog.Counts> each) -> each.getKey().kernel)
                    .thenComparing(each -> each.getKey().event)
                    .thenComparing(each -> -each.getValue().requests()))
            .toList();
    return "## All lines of these kernels\n\n" + table(lines);
  }

  private Map<Line, ProfileLog.Counts> lines(Predicate<String> kernels) throws IOException {
    Map<Path, Set<Long>> wanted = new LinkedHashMap<>();
    counts
        .keySet()
        .forEach(
            each ->
                wanted.computeIfAbsent(each.module, module -> new HashSet<>()).add(each.offset));
    SourceLines source = new SourceLines(wanted);
    Map<Line, ProfileLog.Counts> lines = new LinkedHashMap<>();
    counts.forEach(
        (each, its) -> {
          if (kernels.test(each.kernel)) {
            String place = source.of(each.module, each.offset).text();
            lines.merge(new Line(each.kernel, place, each.event), its, ProfileLog.Counts::plus);
          }
        });
    return lines;
  }

  /** Bytes moved without need; a wavefront of shared memory has 128. */
  private static double wasted(Map.Entry<Line, ProfileLog.Counts> line) {
    int unit = line.getKey().event.isGlobal() ? LaunchWork.SECTOR : 128;
    return (line.getValue().moved() - line.getValue().least()) * unit;
  }

  private String table(List<Map.Entry<Line, ProfileLog.Counts>> lines) {
    StringBuilder text =
        new StringBuilder(
            """
            All launches together. The location in brackets is in a helper that the line before it calls.

            | kernel | line | what | instructions of a warp | lanes | moved by each | needed | of the kernel's |
            | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
            """);
    lines.forEach(each -> text.append(row(each.getKey(), each.getValue())));
    return text.toString();
  }

  private String row(Line line, ProfileLog.Counts its) {
    List<String> cells =
        new ArrayList<>(
            List.of(
                line.kernel,
                line.place,
                line.event.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                String.format(Locale.ROOT, "%,.0f", its.requests()),
                String.format(Locale.ROOT, "%.1f", its.lanes() / its.requests())));
    if (its.moved() > 0) {
      boolean global = line.event.isGlobal();
      String unit = global ? "sectors" : "wavefronts";
      cells.add(String.format(Locale.ROOT, "%.1f %s", its.moved() / its.requests(), unit));
      cells.add(String.format(Locale.ROOT, "%.0f %%", 100 * its.least() / its.moved()));
      double share = its.moved() / moved(line.kernel, global);
      cells.add(String.format(Locale.ROOT, "%.0f %%", 100 * share));
    } else {
      cells.addAll(List.of("", "", ""));
    }
    return "| " + String.join(" | ", cells) + " |\n";
  }

  private double moved(String kernel, boolean global) {
    return counts.entrySet().stream()
        .filter(each -> each.getKey().kernel.equals(kernel))
        .filter(each -> global ? each.getKey().event.isGlobal() : each.getKey().event.isShared())
        .mapToDouble(each -> each.getValue().moved())
        .sum();
  }
}
