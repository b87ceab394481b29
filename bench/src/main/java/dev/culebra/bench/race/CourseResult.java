package dev.culebra.bench.race;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.bench.Surroundings;
import dev.culebra.bench.profile.MachineRates;
import dev.culebra.nn.GptConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The results of all engines on one course, and the machine's capability meanwhile. */
record CourseResult(Course course, MachineRates rates, List<Outcome> outcomes) {
  private static final double MIB = 1 << 20;

  private Outcome outcome(Engine engine) {
    return outcomes.stream().filter(each -> each.engine() == engine).findFirst().orElseThrow();
  }

  /** The faster of the two PyTorch engines. */
  private Outcome bestPyTorch() {
    return outcomes.stream()
        .filter(each -> each.engine().isPyTorch())
        .min((a, b) -> Double.compare(a.medianMillis(), b.medianMillis()))
        .orElseThrow();
  }

  /** How many times faster Culebra is than the faster PyTorch engine. */
  private double ratio() {
    return bestPyTorch().medianMillis() / outcome(Engine.CULEBRA).medianMillis();
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        "**%s**: %s; %.1f GFLOP per step%n%n"
            .formatted(course, course.describe(), course.flops() / 1e9));
    text.append(
        "| engine | ms per step | min | max | tokens/s | GFLOP/s | of GEMM | of FMA peak |"
            + " peak memory, MiB | Java heap per step, KB | last loss |\n");
    text.append("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    outcomes.forEach(each -> text.append(row(each)));
    text.append(
        "%nRatio PyTorch / Culebra: **%.2f**. Measured between the turns: %s.%n"
            .formatted(ratio(), rates.describe()));
    text.append(memory());
    return text.toString();
  }

  private String row(Outcome each) {
    double gflops = course.flops() / (each.medianMillis() * 1e6);
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s | %s | %,.0f | %.0f | %.0f %% | %.0f %% | %,.0f | %,.1f | %.3f |%n",
        each.engine().label(),
        millis(each.medianMillis()),
        millis(each.minMillis()),
        millis(each.maxMillis()),
        course.tokens() / (each.medianMillis() / 1e3),
        gflops,
        100 * gflops / rates.gemmGflops(),
        100 * gflops / rates.fmaGflops(),
        each.residentBytes() / MIB,
        each.heapBytes() / 1e3,
        each.loss());
  }

  private static String millis(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.1f" : "%,.0f", value);
  }

  /** The memory of Culebra's process per parameter, without the activations. */
  private String memory() {
    Outcome ours = outcome(Engine.CULEBRA);
    return "Culebra's activations are %.0f MiB; the rest of its peak is %.1f bytes per parameter (%.1f million).%n"
        .formatted(
            ours.activationBytes() / MIB,
            (ours.residentBytes() - ours.activationBytes()) / parameters(),
            parameters() / 1e6);
  }

  private double parameters() {
    GptConfig model = course.model();
    double width = model.embd();
    double biases = model.bias() ? 1 : 0;
    double block = 12 * width * width + 2 * width + biases * 11 * width;
    return model.layers() * block
        + (model.vocab() + model.context()) * width
        + (1 + biases) * width;
  }

  static String toJson(List<CourseResult> results, int threads) throws JsonProcessingException {
    Map<String, Object> all = new LinkedHashMap<>();
    results.forEach(each -> all.put(each.course.name(), each.facts(threads)));
    return JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build()
            .writeValueAsString(all)
        + "\n";
  }

  private Map<String, Object> facts(int threads) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("culebra_ms", outcome(Engine.CULEBRA).medianMillis());
    facts.put("pytorch_ms", bestPyTorch().medianMillis());
    facts.put("ratio", ratio());
    facts.put("course", course.describe());
    facts.put("flops", course.flops());
    facts.put("rates", rates);
    facts.put("engines", outcomes);
    facts.put("threads", threads);
    facts.put("processor", Surroundings.processor());
    facts.put("date", Surroundings.date());
    facts.put("commit", Surroundings.commit());
    return facts;
  }
}
