package dev.culebra.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.cuda.GpuReport;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code culebra info}. */
@Command(
    name = "info",
    header = "Show the version, this machine, and which device would be used.",
    footer = {"", "Example: culebra info --json"})
final class InfoCommand implements Callable<Integer> {
  private static final double GIB = 1L << 30;

  @Mixin private CommonOptions common;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws JsonProcessingException {
    Machine machine = Machine.now();
    System.out.print(json ? json(machine) : text(machine));
    return 0;
  }

  private static String json(Machine machine) throws JsonProcessingException {
    return JsonMapper.builder().build().writerWithDefaultPrettyPrinter().writeValueAsString(machine)
        + "\n";
  }

  private static String text(Machine machine) {
    StringBuilder text = new StringBuilder();
    line(text, "culebra", machine.version());
    line(text, "java", machine.java() + ", " + machine.javaHome());
    line(text, "cpu", machine.cpu() + ", " + count(machine.processors(), "processor"));
    line(
        text,
        "vectors",
        machine.vectorBits() == 0
            ? "none: start java with --add-modules jdk.incubator.vector"
            : machine.vectorBits() + " bits");
    line(text, "blas", machine.blas());
    line(
        text,
        "memory",
        "%s, %s free".formatted(gib(machine.memoryBytes()), gib(machine.freeMemoryBytes())));
    gpus(text, machine.gpus());
    line(text, "kernels", machine.cuda().kernels());
    line(text, "ffm", machine.cuda().ffm());
    line(text, "jcuda", machine.cuda().jcuda());
    line(text, "device", "auto is " + machine.autoDevice() + ": " + machine.autoReason());
    return text.toString();
  }

  private static void gpus(StringBuilder text, GpuReport report) {
    if (report.driver() != null || report.cudaVersion() != null) {
      line(
          text,
          "driver",
          "%s, CUDA up to %s"
              .formatted(orUnknown(report.driver()), orUnknown(report.cudaVersion())));
    }
    if (report.gpus().isEmpty()) {
      line(text, "gpu", "none: " + report.problem());
    }
    for (int i = 0; i < report.gpus().size(); i++) {
      GpuReport.Gpu gpu = report.gpus().get(i);
      line(
          text,
          "gpu " + i,
          "%s, compute capability %s, %s"
              .formatted(gpu.name(), gpu.capability(), gib(gpu.memoryBytes())));
    }
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append("%-9s %s%n".formatted(name, value));
  }

  private static String count(int number, String noun) {
    return number + " " + noun + (number == 1 ? "" : "s");
  }

  private static String gib(long bytes) {
    return "%.1f GiB".formatted(bytes / GIB);
  }

  private static String orUnknown(String value) {
    return value == null ? "unknown" : value;
  }
}
