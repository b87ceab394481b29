import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** The operations of a step with their predicted times, beside the measured ones if there are. */
final class StepTable {
  private static final int MISSES = 5;

  /**
   * Equal operations.
   *
   * @param micros of one of them, predicted
   * @param limit what binds the longest of its launches
   * @param measured microseconds of one of them
   */
  private record Row(
      StepProfile.Operation operation,
      int calls,
      double micros,
      Prediction.Limit limit,
      OptionalDouble measured) {
    double all() {
      return calls * micros;
    }

    OptionalDouble allMeasured() {
      return measured.isPresent()
          ? OptionalDouble.of(calls * measured.getAsDouble())
          : OptionalDouble.empty();
    }

    /** How much longer it was predicted than it took. */
    double excess() {
      return all() - allMeasured().orElse(all());
    }
  }

  private final Predictor predictor;
  private final Optional<MeasuredTimes> measured;
  private final List<Row> rows = new ArrayList<>();

  StepTable(
      List<StepProfile.Operation> operations,
      Predictor predictor,
      Optional<MeasuredTimes> measured) {
    this.predictor = predictor;
    this.measured = measured;
    StepProfile.grouped(operations).values().forEach(group -> rows.add(row(group)));
    rows.sort(Comparator.comparingDouble(Row::all).reversed());
  }

  private Row row(List<StepProfile.Operation> group) {
    double micros = 0;
    Map<Prediction.Limit, Double> limits = new EnumMap<>(Prediction.Limit.class);
    for (StepProfile.Operation each : group) { // one of them may be made of other launches
      for (StepProfile.Part part : each.parts()) {
        Prediction prediction = predictor.predict(part);
        micros += prediction.total() / group.size();
        limits.merge(prediction.binding(), prediction.total(), Double::sum);
      }
    }
    StepProfile.Operation first = group.getFirst();
    return new Row(
        first,
        group.size(),
        micros,
        limits.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey(),
        measured.map(it -> it.of(first)).orElse(OptionalDouble.empty()));
  }

  private double millis() {
    return 1e-3 * rows.stream().mapToDouble(Row::all).sum();
  }

  // ---- Markdown ----

  String markdown() {
    StringBuilder text = new StringBuilder("## The step\n\n");
    text.append("| operation | shape | calls | µs of a call | all, µs | share | bound by |");
    text.append(measured.isPresent() ? " measured, µs | error |\n" : "\n");
    text.append("| --- | --- | ---: | ---: | ---: | ---: | --- |");
    text.append(measured.isPresent() ? " ---: | ---: |\n" : "\n");
    rows.forEach(row -> text.append(cells(row)));
    text.append(String.format(Locale.ROOT, "\nSum: %.2f ms", millis()));
    measured.ifPresent(times -> text.append(comparison(times)));
    return text.append(".\n").toString();
  }

  private String cells(Row row) {
    StringBuilder cells = new StringBuilder();
    cells.append(
        String.format(
            Locale.ROOT,
            "| %s | %s | %d | %.1f | %.0f | %.1f %% | %s |",
            row.operation.name(),
            row.operation.shape(),
            row.calls,
            row.micros,
            row.all(),
            0.1 * row.all() / millis(),
            row.limit.label()));
    if (row.measured.isPresent()) {
      double its = row.measured.getAsDouble();
      double error = 100 * (row.micros / its - 1);
      cells.append(String.format(Locale.ROOT, " %.1f | %+.0f %% |", its, error));
    } else if (measured.isPresent()) {
      cells.append(" | |");
    }
    return cells.append('\n').toString();
  }

  private String comparison(MeasuredTimes times) {
    List<Row> known = rows.stream().filter(row -> row.measured.isPresent()).toList();
    double predicted = known.stream().mapToDouble(Row::all).sum();
    double real = known.stream().mapToDouble(row -> row.allMeasured().getAsDouble()).sum();
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "; of the operations that were measured (%s) %.2f ms, measured %.2f ms: error %+.0f %%",
            times.gpu(),
            1e-3 * predicted,
            1e-3 * real,
            100 * (predicted / real - 1)));
    if (times.stepMillis() > 0) {
      text.append(
          String.format(Locale.ROOT, "; the whole step measured %.2f ms", times.stepMillis()));
    }
    List<String> misses =
        known.stream()
            .sorted(Comparator.comparingDouble(row -> -Math.abs(row.excess())))
            .limit(MISSES)
            .map(
                row -> String.format(Locale.ROOT, "%s %+.0f µs", row.operation.key(), row.excess()))
            .toList();
    return text + ".\n\nThe largest misses, all calls: " + String.join("; ", misses);
  }

  // ---- JSON ----

  String json(String preset, double batch) {
    return String.format(
            Locale.ROOT,
            "{\"gpu\": \"%s\", \"preset\": \"%s\", \"batch\": %.0f, \"operations\": [\n",
            predictor.gpu().name(),
            preset,
            batch)
        + String.join(",\n", rows.stream().map(this::json).toList())
        + "\n]}\n";
  }

  private String json(Row row) {
    String real =
        row.measured.isPresent()
            ? String.format(Locale.ROOT, ", \"measuredMicros\": %.2f", row.measured.getAsDouble())
            : "";
    return String.format(
        Locale.ROOT,
        "  {\"operation\": \"%s\", \"shape\": \"%s\", \"calls\": %d, \"micros\": %.2f, \"boundBy\": \"%s\"%s, \"parts\": [\n    %s]}",
        row.operation.name(),
        row.operation.shape(),
        row.calls,
        row.micros,
        row.limit.label(),
        real,
        String.join(",\n    ", row.operation.parts().stream().map(this::json).toList()));
  }

  private String json(StepProfile.Part part) {
    Prediction prediction = predictor.predict(part);
    String what =
        switch (part) {
          case StepProfile.Kernel(LaunchWork work) ->
              String.format(
                  Locale.ROOT,
                  "\"kernel\": \"%s\", \"bytes\": %.0f, \"flops\": %.0f, \"counts\": {%s}",
                  work.kernel(),
                  work.bytes(),
                  work.flops(),
                  counts(work));
          case StepProfile.Product product ->
              String.format(
                  Locale.ROOT,
                  "\"product\": \"%s\", \"bytes\": %.0f, \"flops\": %.0f",
                  product.text(),
                  product.bytes(),
                  product.flops());
          case StepProfile.Fill(double bytes) ->
              String.format(Locale.ROOT, "\"fill\": true, \"bytes\": %.0f", bytes);
        };
    List<String> limits =
        prediction.micros().entrySet().stream()
            .map(
                each ->
                    String.format(
                        Locale.ROOT, "\"%s\": %.2f", each.getKey().label(), each.getValue()))
            .toList();
    return String.format(
        Locale.ROOT,
        "{%s, \"micros\": %.2f, \"limits\": {%s}}",
        what,
        prediction.total(),
        String.join(", ", limits));
  }

  private static String counts(LaunchWork work) {
    return String.join(
        ", ",
        work.events().entrySet().stream()
            .map(
                each ->
                    String.format(
                        Locale.ROOT,
                        "\"%s\": {\"requests\": %.0f, \"lanes\": %.0f, \"work\": %.0f, \"moved\": %.0f, \"least\": %.0f}",
                        each.getKey().name().toLowerCase(Locale.ROOT),
                        each.getValue().requests(),
                        each.getValue().lanes(),
                        each.getValue().work(),
                        each.getValue().moved(),
                        each.getValue().least()))
            .toList());
  }

  // ---- the picture ----

  String svg(String title) {
    String subtitle =
        String.format(
            Locale.ROOT,
            "One training step, at least %.1f ms. Areas are times; colours say what binds.",
            millis());
    String real = measured.map(times -> " Black: measured on " + times.gpu() + ".").orElse("");
    return Roofline.svg(
        title, subtitle + real, predictor.gpu(), rows.stream().map(this::point).toList());
  }

  private Roofline.Point point(Row row) {
    double flops = row.operation.parts().stream().mapToDouble(predictor::flops).sum();
    double bytes = row.operation.parts().stream().mapToDouble(StepProfile.Part::bytes).sum();
    return new Roofline.Point(
        row.operation.key(),
        flops / Math.max(1, bytes),
        1e-6 * flops / row.micros,
        row.all(),
        row.limit,
        row.allMeasured());
  }
}
