import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Compiles the CUDA sources to PTX, one module per {@code .cu} file, and runs {@code ptxas} on each
 * for its target GPUs, to find out what its kernels need. A source targets all GPUs from compute
 * capability 8.0 on, unless it has a line {@code // target NAME}.
 *
 * <pre>
 *   java BuildKernels.java SOURCES PTX REPORT [BASELINE check|accept]
 *   SOURCES   folder with *.cu and *.cuh
 *   PTX       folder for NAME.ptx and index.json
 *   REPORT    file for tables of the kernels' resources and hottest loops
 *   BASELINE  file with the accepted figures: check compares, accept writes it
 * </pre>
 *
 * The build fails if a kernel spills registers or needs a stack, unless its source gives the reason
 * in a line {@code // spills ENTRY: reason}; if {@code ptxas} did not keep a kernel's asynchronous
 * products or register counts as written; and if a kernel is worse than the baseline, provided that
 * the baseline was made with the same {@code nvcc}. Without {@code nvcc} only the index is written,
 * with the reason; that is not a failure. A module is recompiled only if its sources, flags or
 * compiler have changed since the last build: a file in {@code built} next to the report records
 * them and the output of {@code ptxas}.
 */
final class BuildKernels {
  private static final List<String> FLAGS =
      List.of("-std=c++17", "-ptx", "-Werror", "all-warnings");

  /**
   * A compilation target of a module.
   *
   * @param name as in nvcc; with a letter at the end: only for that capability, not for newer ones
   * @param version of the PTX ISA, which replaces nvcc's own: drivers reject a newer version than
   *     they know even if no newer feature is used. If one were used, ptxas, which reads the same
   *     text, would report it
   * @param driver the CUDA version, 1000 · major + 10 · minor, whose driver supports it
   * @param gpus GPUs that it is assembled for
   */
  private record Target(String name, String version, int driver, List<String> gpus) {}

  /** Every GPU from here on runs the PTX: the driver compiles it for the GPU in the machine. */
  private static final Target PORTABLE =
      new Target("compute_80", "8.0", 12000, List.of("sm_80", "sm_90", "sm_100"));

  /** Hopper's instructions, and 16-byte reductions, which are new in 8.1. */
  private static final Target HOPPER = new Target("compute_90a", "8.1", 12010, List.of("sm_90a"));

  /** Programmatic dependent launch, which graphs can record from CUDA 12.3 on. */
  private static final Target FROM_HOPPER =
      new Target("compute_90", "8.0", 12030, List.of("sm_90", "sm_100"));

  private static final List<Target> TARGETS = List.of(PORTABLE, FROM_HOPPER, HOPPER);

  private static final Pattern VERSION = Pattern.compile("(?m)^\\.version .*$");
  private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)\\(([^)]*)\\)");
  private static final Pattern PARAMETER = Pattern.compile("\\.param\\s+\\.(\\w+)");
  private static final Pattern EXCUSE = Pattern.compile("// spills (\\w+): \\S");
  private static final Pattern TARGET = Pattern.compile("(?m)^// target (\\w+)$");

  /**
   * Warnings such as C7508: products serialised, waits inserted between them, setmaxnreg ignored.
   */
  private static final Pattern NOT_AS_WRITTEN = Pattern.compile("(?m)^.*\\(C75\\d\\d\\).*$");

  private static final Pattern INCLUDE = Pattern.compile("(?m)^\\s*#include \"([^\"]+)\"");

  private final Path sources;
  private final Path ptx;
  private final Path report;
  private final Optional<Path> baseline;
  private final boolean accept;

  private BuildKernels(
      Path sources, Path ptx, Path report, Optional<Path> baseline, boolean accept) {
    this.sources = sources;
    this.ptx = ptx;
    this.report = report;
    this.baseline = baseline;
    this.accept = accept;
  }

  public static void main(String[] args) throws IOException {
    boolean withBaseline = args.length == 5 && List.of("check", "accept").contains(args[4]);
    if (args.length != 3 && !withBaseline) {
      System.err.println(
          "usage: java BuildKernels.java SOURCES PTX REPORT [BASELINE check|accept]");
      System.exit(2);
    }
    System.exit(
        new BuildKernels(
                Path.of(args[0]),
                Path.of(args[1]),
                Path.of(args[2]),
                withBaseline ? Optional.of(Path.of(args[3])) : Optional.empty(),
                withBaseline && args[4].equals("accept"))
            .run());
  }

  private int run() throws IOException {
    Path nvcc = findNvcc();
    Files.createDirectories(ptx);
    Files.createDirectories(report.toAbsolutePath().getParent());
    if (nvcc == null) {
      String problem =
          "this build has no GPU kernels: nvcc was not found;"
              + " install the CUDA toolkit, or set NVCC or CUDA_HOME, and build again";
      System.out.println("native-build: " + problem);
      clear();
      Files.writeString(index(), "{\"problem\": \"%s\"}\n".formatted(problem));
      return 0;
    }
    return build(nvcc, output(List.of(nvcc.toString(), "--version")));
  }

  /** nvcc from NVCC, CUDA_HOME, PATH or the usual place, in this order; null if there is none. */
  private static Path findNvcc() {
    String chosen = System.getenv("NVCC");
    List<Path> places = new ArrayList<>();
    if (chosen != null) {
      places.add(Path.of(chosen));
    } else {
      String home = System.getenv("CUDA_HOME");
      if (home != null) {
        places.add(Path.of(home, "bin", "nvcc"));
      }
      for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
        places.add(Path.of(folder, "nvcc"));
      }
      places.add(Path.of("/usr/local/cuda/bin/nvcc"));
    }
    return places.stream().filter(Files::isExecutable).findFirst().orElse(null);
  }

  private Path index() {
    return ptx.resolve("index.json");
  }

  private List<Path> files(Path folder, String suffix) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
    }
  }

  private void clear() throws IOException {
    for (Path old : files(ptx, ".ptx")) {
      Files.delete(old);
    }
    Files.deleteIfExists(index());
  }

  /**
   * A hash of everything a module depends on: compiler, flags, its source and the files it
   * includes.
   */
  private String state(String compiler, Path source) throws IOException {
    MessageDigest digest = sha256();
    digest.update((compiler + FLAGS + TARGETS).getBytes());
    Set<Path> files = new TreeSet<>();
    addWithIncludes(source, files);
    for (Path file : files) {
      digest.update(file.getFileName().toString().getBytes());
      digest.update(Files.readAllBytes(file));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Our own includes; the rest comes with the compiler. */
  private void addWithIncludes(Path file, Set<Path> files) throws IOException {
    if (!files.add(file)) {
      return;
    }
    Matcher include = INCLUDE.matcher(Files.readString(file));
    while (include.find()) {
      Path included = sources.resolve(include.group(1));
      if (Files.exists(included)) {
        addWithIncludes(included, files);
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private int build(Path nvcc, String compiler) throws IOException {
    List<Path> modules = files(sources, ".cu");
    Files.createDirectories(built());
    removeOthers(modules);
    Map<Path, String> changed = new TreeMap<>();
    for (Path source : modules) {
      String state = state(compiler, source);
      if (!Files.exists(ptxOf(source)) || !said(source).startsWith(state + "\n")) {
        changed.put(source, state);
      }
    }
    if (changed.isEmpty() && Files.exists(index()) && !accept && isCompared()) {
      System.out.println("native-build: the GPU kernels are up to date");
      return 0;
    }
    System.out.printf(
        "native-build: compiling %d of %d modules of GPU kernels%n",
        changed.size(), modules.size());
    Files.deleteIfExists(index());
    try {
      changed.entrySet().parallelStream()
          .forEach(module -> compile(nvcc, module.getKey(), module.getValue()));
    } catch (CompilerException e) {
      System.err.println(e.getMessage());
      return 1;
    }
    List<KernelProfile> kernels =
        modules.parallelStream()
            .flatMap(source -> profiles(source).stream())
            .sorted(Comparator.comparing(KernelProfile::name))
            .toList();
    Files.writeString(report, KernelProfile.tables(kernels));
    if (complainOfSpills(kernels) || baseline.isPresent() && !isAsGood(kernels, compiler)) {
      return 1;
    }
    Files.writeString(index(), indexOf(modules)); // last: it marks the rest as complete
    return 0;
  }

  /** The profile of each kernel of a compiled module. */
  private List<KernelProfile> profiles(Path source) {
    try {
      Map<String, List<KernelProfile.Use>> uses = AssemblerLog.uses(said(source));
      return PtxEntry.of(Files.readString(ptxOf(source))).stream()
          .map(
              entry ->
                  new KernelProfile(
                      entry.name(),
                      entry.threads(),
                      entry.dynamicShared(),
                      uses.getOrDefault(entry.name(), List.of()),
                      PtxLoop.hottest(PtxLoop.of(entry))))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the baseline is the one that the last build was compared with, or there is none. */
  private boolean isCompared() throws IOException {
    return baseline.isEmpty()
        || Files.exists(baseline.get())
            && Files.exists(compared())
            && Files.readString(compared()).equals(hash(baseline.get()));
  }

  /** Records the baseline that the last build was compared with. */
  private Path compared() {
    return built().resolve("baseline.sha256");
  }

  private static String hash(Path file) throws IOException {
    return HexFormat.of().formatHex(sha256().digest(Files.readAllBytes(file)));
  }

  /** Compares with the baseline and prints the differences, or writes it. */
  private boolean isAsGood(List<KernelProfile> kernels, String nvcc) throws IOException {
    Path file = baseline.orElseThrow();
    Baseline now = Baseline.of(Baseline.version(nvcc), kernels);
    if (accept) {
      Files.writeString(file, now.text());
      System.out.println("native-build: these figures are now the baseline: " + file);
    } else if (!isAsGood(file, now)) {
      System.err.printf(
          "native-build: if this is intended, build with -Dkernels.baseline=accept,"
              + " which rewrites %s, and commit that file; the figures are explained in %s%n",
          file, report);
      return false;
    }
    Files.writeString(compared(), hash(file));
    return true;
  }

  private static boolean isAsGood(Path file, Baseline now) throws IOException {
    if (!Files.exists(file)) {
      System.err.println("native-build: there is no baseline " + file);
      return false;
    }
    Baseline was;
    try {
      was = Baseline.read(file);
    } catch (IOException e) {
      System.err.println("native-build: " + e.getMessage());
      return false;
    }
    Baseline.Difference difference = was.to(now);
    difference.better().forEach(line -> System.out.println("native-build: better: " + line));
    if (difference.worse().isEmpty()) {
      return true;
    }
    if (!was.compiler().equals(now.compiler())) {
      difference.worse().forEach(line -> System.out.println("native-build: differs: " + line));
      System.out.printf(
          "native-build: this was made by nvcc %s, the baseline by %s, so this is not a failure%n",
          now.compiler(), was.compiler());
      return true;
    }
    difference.worse().forEach(line -> System.err.println("native-build: differs: " + line));
    return false;
  }

  /** The record of a module's inputs and of the output of ptxas. */
  private Path built() {
    return report.resolveSibling("built");
  }

  private Path ptxOf(Path source) {
    return ptx.resolve(name(source) + ".ptx");
  }

  /** The hash of a module's inputs; the output of ptxas starts on the next line. */
  private String said(Path source) throws IOException {
    Path file = built().resolve(name(source) + ".txt");
    return Files.exists(file) ? Files.readString(file) : "";
  }

  /** Removes the PTX of deleted modules. */
  private void removeOthers(List<Path> modules) throws IOException {
    Set<String> names = modules.stream().map(BuildKernels::name).collect(Collectors.toSet());
    for (Path old : files(ptx, ".ptx")) {
      if (!names.contains(old.getFileName().toString().replaceFirst("\\.ptx$", ""))) {
        Files.delete(old);
        Files.deleteIfExists(index());
      }
    }
  }

  private void compile(Path nvcc, Path source, String state) {
    try {
      Path record = built().resolve(name(source) + ".txt");
      Files.deleteIfExists(record);
      Path out = ptxOf(source);
      Target target = target(source);
      List<String> command = new ArrayList<>(List.of(nvcc.toString()));
      command.addAll(FLAGS);
      command.addAll(List.of("-arch=" + target.name, source.toString(), "-o", out.toString()));
      output(command);
      String version = ".version " + target.version;
      Files.writeString(out, VERSION.matcher(Files.readString(out)).replaceFirst(version));
      StringBuilder all = new StringBuilder(state).append('\n');
      for (String gpu : target.gpus) {
        Path cubin = built().resolve(name(source) + ".cubin");
        Path ptxas = nvcc.toRealPath().resolveSibling("ptxas");
        String said =
            output(
                List.of(
                    Files.isExecutable(ptxas) ? ptxas.toString() : "ptxas",
                    "-v",
                    "-arch=" + gpu,
                    out.toString(),
                    "-o",
                    cubin.toString()));
        Matcher notAsWritten = NOT_AS_WRITTEN.matcher(said);
        if (notAsWritten.find()) {
          throw new CompilerException(source + ", " + gpu + ": " + notAsWritten.group());
        }
        all.append(said);
        Cubin.codeSizes(cubin)
            .forEach((entry, bytes) -> all.append(AssemblerLog.code(entry, gpu, bytes)));
        Files.delete(cubin);
      }
      Files.writeString(record, all);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The target that a source names. */
  private static Target target(Path source) throws IOException {
    Matcher said = TARGET.matcher(Files.readString(source));
    if (!said.find()) {
      return PORTABLE;
    }
    return TARGETS.stream()
        .filter(target -> target.name.equals(said.group(1)))
        .findFirst()
        .orElseThrow(
            () -> new CompilerException(source + ": no target is called " + said.group(1)));
  }

  private static String name(Path source) {
    return source.getFileName().toString().replaceFirst("\\.cu$", "");
  }

  /**
   * Prints kernels with a stack or spills that no source excuses; returns whether there are any.
   */
  private boolean complainOfSpills(List<KernelProfile> kernels) throws IOException {
    Set<String> excused = new TreeSet<>();
    for (String suffix : List.of(".cu", ".cuh")) {
      for (Path file : files(sources, suffix)) {
        Matcher excuse = EXCUSE.matcher(Files.readString(file));
        while (excuse.find()) {
          excused.add(excuse.group(1));
        }
      }
    }
    boolean found = false;
    for (KernelProfile kernel : kernels) {
      for (KernelProfile.Use use : kernel.uses()) {
        if ((use.stack() > 0 || use.spilled() > 0) && !excused.contains(kernel.name())) {
          found = true;
          System.err.printf(
              "native-build: %s for %s has a stack of %d bytes and spills %d:"
                  + " see %s; to accept it, give the reason in the source as // spills %s: …%n",
              kernel.name(), use.gpu().name(), use.stack(), use.spilled(), report, kernel.name());
        }
      }
    }
    return found;
  }

  /** Entries of each module with the types of their parameters, from the PTX. */
  private String indexOf(List<Path> modules) throws IOException {
    MessageDigest states = sha256();
    Map<String, String> entries = new TreeMap<>();
    for (Path source : modules) {
      states.update(said(source).lines().findFirst().orElseThrow().getBytes());
      Matcher entry = ENTRY.matcher(Files.readString(ptx.resolve(name(source) + ".ptx")));
      while (entry.find()) {
        String types =
            PARAMETER
                .matcher(entry.group(2))
                .results()
                .map(type -> "\"" + type.group(1) + "\"")
                .collect(Collectors.joining(", "));
        String facts =
            "{\"module\": \"%s\", \"target\": \"%s\", \"parameters\": [%s]}"
                .formatted(name(source), target(source).name, types);
        if (entries.put(entry.group(1), facts) != null) {
          throw new IOException("two kernels are called " + entry.group(1));
        }
      }
    }
    return """
    {
      "sources": "%s",
      "targets": {
    %s
      },
      "entries": {
    %s
      }
    }
    """
        .formatted(
            HexFormat.of().formatHex(states.digest()),
            TARGETS.stream()
                .map(target -> "    \"%s\": %s".formatted(target.name, facts(target)))
                .collect(Collectors.joining(",\n")),
            entries.entrySet().stream()
                .map(each -> "    \"%s\": %s".formatted(each.getKey(), each.getValue()))
                .collect(Collectors.joining(",\n")));
  }

  private static String facts(Target target) {
    return "{\"version\": \"%s\", \"driver\": %d, \"assembledFor\": [%s]}"
        .formatted(
            target.version,
            target.driver,
            target.gpus.stream().map(gpu -> "\"" + gpu + "\"").collect(Collectors.joining(", ")));
  }

  /** The compiler failed; the message is its output. */
  private static final class CompilerException extends RuntimeException {
    CompilerException(String message) {
      super(message);
    }
  }

  /** The output of a command, on both streams. */
  private static String output(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    try {
      if (process.waitFor() != 0) {
        throw new CompilerException(String.join(" ", command) + "\n" + said);
      }
    } catch (InterruptedException e) {
      process.destroy();
      throw new IOException("interrupted", e);
    }
    return said;
  }
}
