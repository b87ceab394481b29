import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The compiled figures of the kernels when they were last reviewed and accepted: a file next to the
 * kernels that builds are compared with.
 *
 * @param compiler the version of nvcc; other versions give other figures for the same sources
 * @param kernels by name
 */
record Baseline(String compiler, Map<String, Kernel> kernels) {
  /**
   * The figures of a kernel.
   *
   * @param uses by the GPU's name
   * @param loop its hottest loop; all zero if it has no loops
   */
  record Kernel(Map<String, Use> uses, Loop loop) {}

  /** Registers per thread, and resident warps as far as known before a launch. */
  record Use(int registers, int warps) {}

  /** See {@link InstructionMix}. */
  record Loop(int instructions, int products, int branches, long globalBytes, long sharedBytes) {
    static final Loop NONE = new Loop(0, 0, 0, 0, 0);
  }

  /** Lines about changes for the worse and for the better. */
  record Difference(List<String> worse, List<String> better) {}

  /** A figure is worse if it grew by more than this fraction … */
  private static final double TOLERANCE = 0.1;

  /** … and by at least this much. */
  private static final int LEAST = 3;

  private static final Pattern COMPILER = Pattern.compile("(?m)^Compiled by nvcc (\\S+)\\.$");
  private static final Pattern USE = Pattern.compile("(\\d+) / (\\d+)");
  private static final String NOT_BUILT = "–";
  private static final int LOOP_COLUMNS = 6;

  static Baseline of(String compiler, Collection<KernelProfile> profiles) {
    Map<String, Kernel> kernels = new TreeMap<>();
    for (KernelProfile profile : profiles) {
      Map<String, Use> uses = new LinkedHashMap<>();
      for (KernelProfile.Use use : profile.uses()) {
        int warps = profile.residency(use).map(Gpu.Residency::warps).orElse(0);
        uses.put(use.gpu().name(), new Use(use.registers(), warps));
      }
      Loop loop =
          profile
              .hottest()
              .map(hottest -> InstructionMix.of(hottest.own()))
              .map(
                  mix ->
                      new Loop(
                          mix.instructions(),
                          mix.count(PtxInstruction.Kind.TENSOR_CORE),
                          mix.count(PtxInstruction.Kind.BRANCH),
                          mix.globalBytes(),
                          mix.sharedBytes()))
              .orElse(Loop.NONE);
      kernels.put(profile.name(), new Kernel(uses, loop));
    }
    return new Baseline(compiler, kernels);
  }

  /** The version in the output of {@code nvcc --version}. */
  static String version(String said) {
    Matcher version = Pattern.compile("\\bV(\\d[\\w.]*)").matcher(said);
    return version.find() ? version.group(1) : "unknown";
  }

  /**
   * @throws IOException if it cannot be read or has a line that {@link #text} does not write; the
   *     message names it
   */
  static Baseline read(Path file) throws IOException {
    String text = Files.readString(file);
    Matcher compiler = COMPILER.matcher(text);
    if (!compiler.find()) {
      throw new IOException(file + ": there is no line with the version of nvcc");
    }
    Map<String, Kernel> kernels = new TreeMap<>();
    List<String> lines = text.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.startsWith("| kernel ") || line.startsWith("|---") || !line.startsWith("|")) {
        if (line.matches("(<<<<<<<|=======|>>>>>>>).*")) {
          throw new IOException("%s:%d: left by a merge: %s".formatted(file, i + 1, line));
        }
        continue;
      }
      try {
        String[] cells = line.substring(1).strip().split("\\s*\\|\\s*");
        kernels.put(cells[0], kernel(cells));
      } catch (RuntimeException e) {
        throw new IOException("%s:%d: not a row of the table: %s".formatted(file, i + 1, line), e);
      }
    }
    return new Baseline(compiler.group(1), kernels);
  }

  private static Kernel kernel(String[] cells) {
    Map<String, Use> uses = new LinkedHashMap<>();
    int column = 1;
    for (Gpu gpu : Gpu.ALL) {
      String cell = cells[column++];
      Matcher use = USE.matcher(cell);
      if (use.matches()) {
        int warps = Integer.parseInt(use.group(2));
        uses.put(gpu.name(), new Use(Integer.parseInt(use.group(1)), warps));
      } else if (!cell.equals(NOT_BUILT)) {
        throw new IllegalArgumentException("not registers and warps: " + cell);
      }
    }
    if (cells.length != column + LOOP_COLUMNS) {
      throw new IllegalArgumentException("wrong number of cells: " + cells.length);
    }
    return new Kernel(
        uses,
        new Loop(
            Integer.parseInt(cells[column]),
            Integer.parseInt(cells[column + 1]),
            Integer.parseInt(cells[column + 3]),
            Long.parseLong(cells[column + 4]),
            Long.parseLong(cells[column + 5])));
  }

  /** The file. */
  String text() {
    StringBuilder text =
        new StringBuilder(
            """
            # What the kernels are compiled to

            The baseline of each build, written by `mvn package -pl native-build -Dkernels.baseline=accept`; `README.md` says how to
            read it. Registers of a thread / resident warps on a multiprocessor, dynamic shared memory not counted; then the
            hottest loop in PTX.

            Compiled by nvcc %s.

            """
                .formatted(compiler));
    text.append("| kernel |");
    Gpu.ALL.forEach(gpu -> text.append(' ').append(gpu.name()).append(" |"));
    text.append(" instructions | tensor core | each | branches | global B | shared B |\n|---|");
    text.append("---:|".repeat(Gpu.ALL.size() + LOOP_COLUMNS)).append('\n');
    kernels.forEach((name, kernel) -> text.append(row(name, kernel)));
    return text.toString();
  }

  private static String row(String name, Kernel kernel) {
    StringBuilder row = new StringBuilder("| " + name + " |");
    for (Gpu gpu : Gpu.ALL) {
      Use use = kernel.uses.get(gpu.name());
      row.append(
          use == null ? " " + NOT_BUILT + " |" : " %d / %d |".formatted(use.registers, use.warps));
    }
    Loop loop = kernel.loop;
    String each =
        loop.products == 0
            ? "–"
            : String.format(Locale.ROOT, "%.1f", (double) loop.instructions / loop.products);
    return row.append(
            " %d | %d | %s | %d | %d | %d |\n"
                .formatted(
                    loop.instructions,
                    loop.products,
                    each,
                    loop.branches,
                    loop.globalBytes,
                    loop.sharedBytes))
        .toString();
  }

  /** The differences in a newer build. */
  Difference to(Baseline now) {
    Difference difference = new Difference(new ArrayList<>(), new ArrayList<>());
    kernels.forEach(
        (name, kernel) -> {
          if (now.kernels.containsKey(name)) {
            compare(name, kernel, now.kernels.get(name), difference);
          } else {
            difference.worse.add(name + ": in the baseline, but no kernel has this name any more");
          }
        });
    now.kernels.keySet().stream()
        .filter(name -> !kernels.containsKey(name))
        .forEach(name -> difference.worse.add(name + ": new, not in the baseline"));
    return difference;
  }

  private static void compare(String name, Kernel was, Kernel is, Difference difference) {
    if (!was.uses.keySet().equals(is.uses.keySet())) {
      difference.worse.add(
          "%s: compiled for %s, was for %s".formatted(name, is.uses.keySet(), was.uses.keySet()));
    }
    was.uses.forEach(
        (gpu, use) -> {
          Use now = is.uses.getOrDefault(gpu, use);
          if (now.warps != use.warps) {
            (now.warps < use.warps ? difference.worse : difference.better)
                .add(
                    "%s, %s: %d resident warps, were %d (registers: %d, were %d)"
                        .formatted(name, gpu, now.warps, use.warps, now.registers, use.registers));
          }
        });
    if (was.loop.products > 0 && is.loop.products == 0) {
      difference.worse.add(name + ": no tensor-core instructions in its hottest loop any more");
      return;
    }
    new LoopComparison(name, was.loop, is.loop, difference).compare();
  }

  /** Compares two versions of a loop; if both do products, for the same number of products. */
  private record LoopComparison(String name, Loop was, Loop is, Difference difference) {
    void compare() {
      figure("instructions", was.instructions, is.instructions, TOLERANCE, LEAST);
      figure("branches", was.branches, is.branches, TOLERANCE, LEAST);
      figure("bytes loaded from global memory", was.globalBytes, is.globalBytes, 0, 1);
      figure("bytes loaded from shared memory", was.sharedBytes, is.sharedBytes, 0, 1);
    }

    private void figure(String what, long before, long now, double tolerance, int least) {
      double scale = was.products > 0 && is.products > 0 ? (double) was.products / is.products : 1;
      double change = now * scale - before;
      String products =
          was.products == is.products
              ? ""
              : ", for %d tensor-core instructions, were %d".formatted(is.products, was.products);
      String line =
          "%s: %d %s in its hottest loop, were %d%s".formatted(name, now, what, before, products);
      if (change >= least && change > before * tolerance) {
        difference.worse.add(line);
      } else if (-change >= least && -change > before * tolerance) {
        difference.better.add(line);
      }
    }
  }
}
