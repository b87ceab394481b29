import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Reports what the profile build of the simulator has counted, and the least time that a GPU needs.
 *
 * <pre>
 *   java Profile.java PTX LOG [OPTION…] [KERNEL…]
 *   java Profile.java PTX LOG:BATCH LOG:BATCH --preset NAME --batch B [OPTION…] [KERNEL…]
 *   PTX              folder of the compiled kernels
 *   LOG              what CULEBRA_SIM_PROFILE named; with a batch each, two of one training step
 *   --gpu NAME       h200 (default), h100, a100 or rtx4090
 *   --measured FILE  times of the same step, as bench/run cuda prints them, to stand beside
 *   --json, --svg FILE
 *   KERNEL           shows all lines of these
 * </pre>
 */
final class Profile {
  private static final String NOTES =
      """
      ## What the bound leaves out

      Waiting: for memory when few warps are resident, at barriers, for other blocks, at the start and end of a kernel. The last
      wave of blocks, which does not fill the GPU. Data that an earlier launch left in the L2 cache, unless all that a launch
      touches fits into half of it. Divisions, double precision, integer pipes. Lower clocks under load: the highest is assumed.
      "Issue" is estimated, not counted: the instructions of the hottest loop in PTX per tensor-core instruction, or per load and
      store, times the counted ones. Products and repeated launches did not run, so what they would have written was zero.

      %s: %s.
      """;

  private final Options options;
  private final Predictor predictor;

  private Profile(Options options) throws IOException {
    this.options = options;
    predictor = Predictor.of(GpuRates.named(options.get("gpu", "h200")), options.ptx);
  }

  public static void main(String[] args) {
    try {
      new Profile(new Options(args)).print();
    } catch (IllegalArgumentException e) {
      System.err.println("profile: " + e.getMessage());
      System.exit(2);
    } catch (IOException e) {
      System.err.println("profile: " + e.getMessage());
      System.exit(1);
    }
  }

  /** The command line. */
  private static final class Options {
    final Path ptx;
    final List<String> logs = new ArrayList<>();
    final List<String> kernels = new ArrayList<>();
    final Map<String, String> values = new HashMap<>();

    Options(String[] args) {
      if (args.length < 2) {
        throw new IllegalArgumentException("usage: Profile PTX LOG[:BATCH]… [OPTION…] [KERNEL…]");
      }
      ptx = Path.of(args[0]);
      for (int i = 1; i < args.length; i++) {
        if (args[i].startsWith("--")) {
          if (!List.of("--gpu", "--preset", "--batch", "--measured", "--json", "--svg")
              .contains(args[i])) {
            throw new IllegalArgumentException("unknown option " + args[i]);
          }
          if (i + 1 == args.length) {
            throw new IllegalArgumentException(args[i] + " needs a value");
          }
          values.put(args[i].substring(2), args[++i]);
        } else if (args[i].contains("/")) {
          logs.add(args[i]);
        } else {
          kernels.add(args[i]);
        }
      }
    }

    String get(String name, String otherwise) {
      return values.getOrDefault(name, otherwise);
    }

    double batch() {
      return number("--batch", get("batch", "1"));
    }
  }

  private static double number(String name, String value) {
    try {
      double number = Double.parseDouble(value);
      if (number >= 1) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(name + " " + value + ": not a number from 1 on");
  }

  private void print() throws IOException {
    if (options.logs.size() == 1) {
      launches(ProfileLog.read(Path.of(options.logs.getFirst())));
    } else if (options.logs.size() == 2) {
      step();
    } else {
      throw new IllegalArgumentException("one log, or two of a step, not " + options.logs.size());
    }
    System.out.print(NOTES.formatted(predictor.name(), predictor.gpu().sources()));
  }

  private boolean isChosen(String kernel) {
    return options.kernels.isEmpty() || options.kernels.stream().anyMatch(kernel::contains);
  }

  private void launches(ProfileLog log) throws IOException {
    System.out.printf("# Launches, and how long an %s needs at least%n%n", predictor.name());
    System.out.println(new KernelTable(predictor, this::isChosen).of(log));
    System.out.println(lines(LineTable.of(log)));
  }

  private String lines(LineTable table) throws IOException {
    return options.kernels.isEmpty() ? table.worst() : table.all(this::isChosen);
  }

  /** A step's log and the batch it was counted at. */
  private record Counted(ProfileLog log, double batch) {
    static Counted of(String argument) throws IOException {
      int colon = argument.lastIndexOf(':');
      if (colon < 0) {
        throw new IllegalArgumentException(
            argument + ": of two logs each needs a batch, LOG:BATCH");
      }
      double batch = number("batch of a log", argument.substring(colon + 1));
      return new Counted(ProfileLog.read(Path.of(argument.substring(0, colon))), batch);
    }
  }

  private void step() throws IOException {
    Counted one = Counted.of(options.logs.getFirst());
    Counted other = Counted.of(options.logs.getLast());
    if (one.batch == other.batch) {
      throw new IllegalArgumentException("both logs are of the same batch");
    }
    double factor = (options.batch() - one.batch) / (other.batch - one.batch);
    List<StepProfile.Operation> operations =
        StepProfile.toward(
            StepProfile.of(one.log), StepProfile.of(other.log), factor, predictor.gpu());
    if (operations.isEmpty()) {
      throw new IllegalArgumentException(
          "the logs have no marks of operations: bench/run step --marks");
    }
    String preset = options.get("preset", "gpt2");
    Optional<MeasuredTimes> measured =
        options.values.containsKey("measured")
            ? Optional.of(MeasuredTimes.read(Path.of(options.get("measured", "")), preset))
            : Optional.empty();
    StepTable table = new StepTable(operations, predictor, measured);
    String title =
        String.format(
            Locale.ROOT,
            "Predicted: %s, B=%.0f, on an %s",
            preset,
            options.batch(),
            predictor.name());
    System.out.println("# " + title + "\n");
    System.out.printf(
        Locale.ROOT,
        "A lower bound, computed on a CPU: counted in the simulator at B=%.0f and B=%.0f, each count a + b · B.%n%n",
        one.batch,
        other.batch);
    System.out.println(table.markdown());
    KernelTable kernels = new KernelTable(predictor, this::isChosen);
    System.out.println(kernels.of(operations));
    measured.ifPresent(times -> System.out.print(kernels.beside(operations, times)));
    System.out.println(lines(LineTable.of(one.log, other.log, factor)));
    write("json", table.json(preset, options.batch()));
    write("svg", table.svg(title));
  }

  private void write(String option, String text) throws IOException {
    if (options.values.containsKey(option)) {
      Files.writeString(Path.of(options.get(option, "")), text);
    }
  }
}
