import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What the profile build of the simulator has counted, as {@code CULEBRA_SIM_PROFILE} names its
 * file. Each distinct launch ran once; of equal ones it is only said how often they came.
 *
 * @param capability of the GPU that was simulated, times ten
 * @param steps launches, products and marks in the order of the stream
 */
record ProfileLog(int capability, List<Kernel> kernels, List<Product> products, List<Step> steps) {
  /** Instructions of a kernel, told apart by what they keep busy; {@code profile_counts.h}. */
  enum Event {
    GLOBAL_LOAD,
    GLOBAL_STORE,
    GLOBAL_ATOMIC,
    GLOBAL_COPY,
    SHARED_COPY,
    SHARED_LOAD,
    SHARED_STORE,
    SHARED_ATOMIC,
    MATRIX_LOAD,
    MATRIX_STORE,
    MMA,
    WGMMA,
    SPECIAL,
    SHUFFLE,
    VOTE,
    WARP_BARRIER,
    BARRIER,
    NAMED_BARRIER,
    MBARRIER_WAIT,
    FLAG;

    boolean isGlobal() {
      return compareTo(GLOBAL_COPY) <= 0;
    }

    boolean isShared() {
      return compareTo(GLOBAL_COPY) > 0 && compareTo(MATRIX_STORE) <= 0;
    }
  }

  /**
   * Of one or more instructions.
   *
   * @param requests instructions of a warp
   * @param lanes threads in them
   * @param work bytes asked for, FLOPs, or operations
   * @param moved sectors of 32 bytes, or wavefronts of shared memory
   * @param least how few of them it could be
   * @param first sectors that no load of the block has brought before
   */
  record Counts(
      double requests, double lanes, double work, double moved, double least, double first) {
    static final Counts NONE = new Counts(0, 0, 0, 0, 0, 0);

    Counts plus(Counts other) {
      return new Counts(
          requests + other.requests,
          lanes + other.lanes,
          work + other.work,
          moved + other.moved,
          least + other.least,
          first + other.first);
    }

    /** This and {@code factor} times the way to the other. */
    Counts toward(Counts other, double factor) {
      return new Counts(
          requests + factor * (other.requests - requests),
          lanes + factor * (other.lanes - lanes),
          work + factor * (other.work - work),
          moved + factor * (other.moved - moved),
          least + factor * (other.least - least),
          first + factor * (other.first - first));
    }
  }

  /** An instruction of a kernel: where in the module's library it stands. */
  record Site(Event event, long offset, Counts counts) {}

  /**
   * A distinct launch.
   *
   * @param name of the kernel
   * @param launch its grid, block, dynamic shared memory and parameters; addresses are "pointer"
   * @param times how often it came
   * @param readBytes different bytes that it reads before it writes them, if it does
   * @param readSectors different sectors of 32 bytes with them
   */
  record Kernel(
      String name,
      String launch,
      long blocks,
      int threads,
      long times,
      long readBytes,
      long readSectors,
      long writtenBytes,
      long writtenSectors,
      Path module,
      List<Site> sites) {}

  /**
   * A matrix product that cuBLAS was asked for: C (m, n) = A (m, k) · B (k, n).
   *
   * @param adds that C is read, too
   * @param keepsArgument that the argument of the GELU is written beside C
   * @param slope that C is multiplied by a GELU's slope, whose argument is read
   */
  record Product(
      long m,
      long n,
      long k,
      long batches,
      int inputBytes,
      int outputBytes,
      boolean adds,
      boolean bias,
      boolean keepsArgument,
      boolean slope,
      boolean tensorCores) {
    double flops() {
      return 2.0 * m * n * k * batches;
    }

    /** Each operand once. */
    double bytes() {
      double outputs = 1 + (adds ? 1 : 0) + (keepsArgument || slope ? 1 : 0);
      return batches
          * (inputBytes * ((double) m * k + (double) k * n) + outputBytes * outputs * m * n);
    }
  }

  /** In the order of the stream. */
  sealed interface Step {}

  record Launch(Kernel kernel) implements Step {}

  record Multiply(Product product) implements Step {}

  /** What the program said between launches. */
  record Mark(String text) implements Step {}

  /** Those between the marks "begin" and "end …", in their order. */
  List<Kernel> launchesOfOperations() {
    List<Kernel> launches = new ArrayList<>();
    boolean inside = false;
    for (Step step : steps) {
      if (step instanceof Mark(String text)) {
        inside = text.equals("begin");
      } else if (inside && step instanceof Launch(Kernel kernel)) {
        launches.add(kernel);
      }
    }
    return launches;
  }

  /**
   * @throws IOException if it cannot be read, or is not such a file
   */
  static ProfileLog read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    if (lines.isEmpty() || !lines.getFirst().equals("culebra-profile 1")) {
      throw new IOException(file + ": not a profile of the simulator (\"culebra-profile 1\")");
    }
    try {
      return new Reader().read(lines);
    } catch (RuntimeException e) {
      throw new IOException(file + ": cut off or changed: " + e.getMessage(), e);
    }
  }

  private static final class Reader {
    private int capability;
    private final List<Kernel> kernels = new ArrayList<>();
    private final List<Product> products = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();
    private String[] kernel;
    private Path module;
    private List<Site> sites;

    ProfileLog read(List<String> lines) {
      for (String line : lines) {
        String[] words = line.split(" ");
        switch (words[0]) {
          case "capability" -> capability = Integer.parseInt(words[1]);
          case "kernel" -> {
            endKernel();
            kernel = words;
            sites = new ArrayList<>();
          }
          case "module" -> module = Path.of(line.substring(7));
          case "count" -> sites.add(site(words));
          case "product" -> {
            endKernel();
            products.add(product(words));
          }
          case "run" -> {
            endKernel();
            steps.add(step(words, line));
          }
          default -> {}
        }
      }
      endKernel();
      return new ProfileLog(capability, kernels, products, steps);
    }

    private static Site site(String[] words) {
      double[] numbers = Arrays.stream(words).skip(3).mapToDouble(Double::parseDouble).toArray();
      return new Site(
          Event.valueOf(words[1].toUpperCase(Locale.ROOT)),
          Long.parseLong(words[2], 16),
          new Counts(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]));
    }

    private void endKernel() {
      if (kernel == null) {
        return;
      }
      long[] numbers = Arrays.stream(kernel).skip(1).limit(5).mapToLong(Long::parseLong).toArray();
      long[] sizes = Arrays.stream(kernel).skip(7).limit(6).mapToLong(Long::parseLong).toArray();
      kernels.add(
          new Kernel(
              kernel[6],
              String.join(" ", Arrays.asList(kernel).subList(7, kernel.length)),
              sizes[0] * sizes[1] * sizes[2],
              (int) (sizes[3] * sizes[4] * sizes[5]),
              numbers[0],
              numbers[1],
              numbers[2],
              numbers[3],
              numbers[4],
              module,
              sites));
      kernel = null;
    }

    private static Product product(String[] words) {
      long[] numbers = Arrays.stream(words).skip(2).mapToLong(Long::parseLong).toArray();
      return new Product(
          numbers[0],
          numbers[1],
          numbers[2],
          numbers[3],
          (int) numbers[4],
          (int) numbers[5],
          numbers[6] != 0,
          numbers[7] != 0,
          numbers[8] != 0,
          numbers[9] != 0,
          numbers[10] != 0);
    }

    private Step step(String[] words, String line) {
      return switch (words[1]) {
        case "kernel" -> new Launch(kernels.get(Integer.parseInt(words[2])));
        case "product" -> new Multiply(products.get(Integer.parseInt(words[2])));
        default -> new Mark(line.substring("run mark ".length()));
      };
    }
  }
}
