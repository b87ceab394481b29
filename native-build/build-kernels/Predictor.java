import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Predicts for one GPU.
 *
 * @param code of the kernels, by name
 */
record Predictor(GpuRates gpu, Map<String, PtxEntry> code) {
  /**
   * @param ptx folder of the compiled kernels
   */
  static Predictor of(GpuRates gpu, Path ptx) throws IOException {
    Map<String, PtxEntry> code = new HashMap<>();
    try (Stream<Path> files = Files.list(ptx)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".ptx")).toList()) {
        PtxEntry.of(Files.readString(file)).forEach(entry -> code.put(entry.name(), entry));
      }
    }
    return new Predictor(gpu, code);
  }

  String name() {
    return gpu.name().toUpperCase(Locale.ROOT);
  }

  Prediction predict(StepProfile.Part part) {
    return switch (part) {
      case StepProfile.Kernel(LaunchWork work) ->
          Prediction.of(work, gpu, Optional.ofNullable(code.get(work.kernel())));
      case StepProfile.Product product ->
          Prediction.of(product.flops(), product.bytes(), product.tensorCores(), gpu);
      case StepProfile.Fill(double bytes) -> Prediction.of(0, bytes, true, gpu);
    };
  }

  /** Of tensor cores; if there are none, of fp32 instructions, estimated. */
  double flops(StepProfile.Part part) {
    return switch (part) {
      case StepProfile.Kernel(LaunchWork work) ->
          work.flops() > 0 || !code.containsKey(work.kernel())
              ? work.flops()
              : Prediction.fp32(work, code.get(work.kernel()));
      case StepProfile.Product product -> product.flops();
      case StepProfile.Fill unused -> 0;
    };
  }
}
