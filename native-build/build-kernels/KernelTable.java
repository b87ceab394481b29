import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/** How long each launch keeps each part of a GPU busy, as Markdown. */
final class KernelTable {
  private static final String HEAD =
      """
      Microseconds that each part of the GPU needs for a launch; the longest binds. "Needed" is the share of the moved sectors
      and wavefronts that would have sufficed.

      | kernel | calls | µs | bound by | memory | L2 | tensor | special | issue | shared | MB | loads needed | stores needed | shared needed |
      | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
      """;

  private final Predictor predictor;
  private final Predicate<String> kernels;

  KernelTable(Predictor predictor, Predicate<String> kernels) {
    this.predictor = predictor;
    this.kernels = kernels;
  }

  /** Of distinct launches, with their grids and parameters. */
  String of(ProfileLog log) {
    StringBuilder text = new StringBuilder(HEAD);
    for (ProfileLog.Kernel kernel : log.kernels()) {
      if (kernels.test(kernel.name())) {
        String name = kernel.name() + " `" + kernel.launch() + "`";
        text.append(row(name, kernel.times(), LaunchWork.of(kernel)));
      }
    }
    return text.toString();
  }

  /** Equal launches of a step once, those that take longest first. */
  String of(List<StepProfile.Operation> operations) {
    Map<String, LaunchWork> launches = new LinkedHashMap<>();
    Map<String, Integer> calls = new LinkedHashMap<>();
    for (StepProfile.Operation operation : operations) {
      for (StepProfile.Part part : operation.parts()) {
        if (part instanceof StepProfile.Kernel(LaunchWork work) && kernels.test(work.kernel())) {
          String key = work.kernel() + " " + work.bytes();
          launches.putIfAbsent(key, work);
          calls.merge(key, 1, Integer::sum);
        }
      }
    }
    StringBuilder text = new StringBuilder("## Its kernels\n\n" + HEAD);
    launches.entrySet().stream()
        .sorted(
            Comparator.comparingDouble(
                each -> -calls.get(each.getKey()) * predict(each.getValue()).total()))
        .forEach(
            each ->
                text.append(
                    row(each.getValue().kernel(), calls.get(each.getKey()), each.getValue())));
    return text.toString();
  }

  /** Kernels beside the times of a profiler; empty if it has none of them. */
  String beside(List<StepProfile.Operation> operations, MeasuredTimes measured) {
    Map<String, Double> sums = new LinkedHashMap<>();
    Map<String, Integer> calls = new LinkedHashMap<>();
    for (StepProfile.Operation operation : operations) {
      for (StepProfile.Part part : operation.parts()) {
        if (part instanceof StepProfile.Kernel(LaunchWork work)
            && measured.kernels().containsKey(work.kernel())) {
          sums.merge(work.kernel(), predict(work).total(), Double::sum);
          calls.merge(work.kernel(), 1, Integer::sum);
        }
      }
    }
    if (sums.isEmpty()) {
      return "";
    }
    StringBuilder text =
        new StringBuilder(
            """
            ## Its kernels in a profiler

            Mean over all launches of a kernel, whatever their size.

            | kernel | calls | µs | measured, µs | error |
            | --- | ---: | ---: | ---: | ---: |
            """);
    sums.entrySet().stream()
        .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
        .forEach(
            each -> {
              double mean = each.getValue() / calls.get(each.getKey());
              double real = measured.kernels().get(each.getKey());
              text.append(
                  String.format(
                      Locale.ROOT,
                      "| %s | %d | %.1f | %.1f | %+.0f %% |%n",
                      each.getKey(),
                      calls.get(each.getKey()),
                      mean,
                      real,
                      100 * (mean / real - 1)));
            });
    return text.append('\n').toString();
  }

  private Prediction predict(LaunchWork work) {
    return predictor.predict(new StepProfile.Kernel(work));
  }

  private String row(String name, long calls, LaunchWork work) {
    Prediction prediction = predict(work);
    StringBuilder row = new StringBuilder();
    row.append(
        String.format(
            Locale.ROOT,
            "| %s | %d | %.1f | %s |",
            name,
            calls,
            prediction.total(),
            prediction.binding().label()));
    for (Prediction.Limit limit : Prediction.Limit.values()) {
      row.append(String.format(Locale.ROOT, " %.1f |", prediction.micros(limit)));
    }
    row.append(String.format(Locale.ROOT, " %.1f |", 1e-6 * work.bytes()));
    row.append(
        needed(
            work.count(ProfileLog.Event.GLOBAL_LOAD)
                .plus(work.count(ProfileLog.Event.GLOBAL_COPY))));
    row.append(needed(work.count(ProfileLog.Event.GLOBAL_STORE)));
    row.append(needed(work.count(ProfileLog.Event::isShared)));
    return row.append('\n').toString();
  }

  private static String needed(ProfileLog.Counts counts) {
    return counts.moved() == 0
        ? " |"
        : String.format(Locale.ROOT, " %.0f %% |", 100 * counts.least() / counts.moved());
  }
}
