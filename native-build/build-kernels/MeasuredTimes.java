import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Times of a step's operations on a GPU: the table that {@code bench/run cuda} prints, alone or in
 * the {@code results.md} of the device check.
 *
 * @param gpu as the file calls it
 * @param micros of a call, by operation and shape
 * @param kernels microseconds of a launch, the mean of all sizes, as a profiler saw them; only the
 *     device check has them, of GPT-2 at 32 sequences
 * @param stepMillis of the whole step; 0 if the file does not say
 */
record MeasuredTimes(
    String gpu, Map<String, Double> micros, Map<String, Double> kernels, double stepMillis) {
  private static final Pattern ROW =
      Pattern.compile("\\| (\\w+) \\| ([^|]+?) \\| (\\d+) \\| ([\\d.]+) \\|.*");
  private static final Pattern KERNEL =
      Pattern.compile("\\| (\\w+) \\| (\\d+) \\| ([\\d.]+) \\| (\\d+) \\|");
  private static final String PROFILE = "## profile";
  private static final String PROFILED = "gpt2";

  private static final Pattern STEP = Pattern.compile("(\\w+).*?: ([\\d.]+) ms a step.*");
  private static final Pattern GPU = Pattern.compile(".*?(NVIDIA [\\w ]+\\w).*");

  /**
   * The table of {@code section} ("## gpt2"), or the only one of the file.
   *
   * @throws IOException if there is none
   */
  static MeasuredTimes read(Path file, String section) throws IOException {
    Map<String, Double> micros = new HashMap<>();
    Map<String, Double> kernels = new HashMap<>();
    String gpu = "";
    double millis = 0;
    boolean inSections = false;
    boolean here = true;
    boolean profile = false;
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("## ")) {
        inSections = true;
        here = line.equals("## " + section);
        profile = line.equals(PROFILE) && section.equals(PROFILED);
      }
      Matcher named = GPU.matcher(line);
      if (gpu.isEmpty() && named.matches()) {
        gpu = named.group(1);
      }
      Matcher kernel = KERNEL.matcher(line);
      if (profile && kernel.matches()) {
        kernels.put(kernel.group(1), Double.parseDouble(kernel.group(3)));
      }
      if (inSections && !here) {
        continue;
      }
      Matcher step = STEP.matcher(line);
      if (step.matches() && step.group(1).equals(section)) {
        millis = Double.parseDouble(step.group(2));
      }
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        micros.put(row.group(1) + " " + row.group(2), Double.parseDouble(row.group(4)));
      }
    }
    if (micros.isEmpty()) {
      throw new IOException(file + ": no table of operations for " + section);
    }
    return new MeasuredTimes(gpu, micros, kernels, millis);
  }

  OptionalDouble of(StepProfile.Operation operation) {
    Double found = micros.get(operation.key());
    return found == null ? OptionalDouble.empty() : OptionalDouble.of(found);
  }
}
