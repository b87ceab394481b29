package dev.culebra.bench.gpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.bench.Commands;
import dev.culebra.bench.OpsBackend;
import dev.culebra.bench.Surroundings;
import dev.culebra.bench.profile.ProfiledOps;
import dev.culebra.cuda.Binding;
import dev.culebra.io.AtomicFile;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.nn.Preset;
import dev.culebra.nn.Variant;
import dev.culebra.optim.Optimizer;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times a whole training step on a GPU, and each operation in it against what the GPU can do,
 * measured in the same run.
 */
@Command(
    name = "cuda",
    description = "Times training steps on a GPU, and every operation in them.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class GpuBench implements Callable<Integer> {
  private static final int TURNS = 5;
  private static final float SOFTCAP = 15;

  @Option(
      names = "--preset",
      defaultValue = "gpt2",
      description = "The model (default: ${DEFAULT-VALUE}).")
  private Preset preset;

  @Option(
      names = "--batch",
      defaultValue = "16",
      description = "Sequences; halved until they fit (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--context",
      paramLabel = "T",
      description = "Tokens of a sequence (default: the preset's).")
  private Integer context;

  @Option(
      names = "--vocab",
      defaultValue = "50257",
      description = "Number of tokens (default: ${DEFAULT-VALUE}).")
  private int vocab;

  @Option(names = "--fp32", description = "Computes in fp32 instead of bf16.")
  private boolean fp32;

  @Option(
      names = "--papers",
      description =
          "What newer papers do: Llama's block, QK-norm, half the key heads, soft cap, Muon.")
  private boolean papers;

  @Option(
      names = "--binding",
      defaultValue = "auto",
      description = "ffm or jcuda (default: ${DEFAULT-VALUE}).")
  private Binding binding;

  @Option(
      names = "--steps",
      defaultValue = "10",
      description = "Steps of each of five turns (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--matrix",
      defaultValue = "8192",
      description = "Rows of the square product (default: ${DEFAULT-VALUE}).")
  private int matrix;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Writes the tables there.")
  private Path markdown;

  public static void main(String[] args) {
    Commands.run(new GpuBench(), args);
  }

  @Override
  public Integer call() throws IOException {
    GptConfig model = preset.config(vocab).withDropout(0);
    if (context != null) {
      model = model.withContext(context);
    }
    if (papers) {
      model = ofNewerPapers(model);
    }
    DType dtype = fp32 ? DType.F32 : DType.BF16;
    try (CudaBackend backend = new CudaBackend(new CudaConfig(0, binding, dtype, false))) {
      String report = report(backend, model);
      System.out.print(report);
      if (markdown != null) {
        AtomicFile.write(markdown, report);
      }
    }
    return 0;
  }

  private static GptConfig ofNewerPapers(GptConfig model) {
    int kvHeads = model.heads() % 2 == 0 ? model.heads() / 2 : model.heads();
    return new GptConfig(
        model.layers(),
        model.heads(),
        model.embd(),
        model.context(),
        model.vocab(),
        model.dropout(),
        false,
        false,
        Activation.SILU,
        new Variant(Positions.ROTARY, Normalization.RMS, true, true, kvHeads, SOFTCAP));
  }

  private GpuStep step(Backend backend, GptConfig model, int batch) {
    return new GpuStep(backend, model, batch, papers ? Optimizer.Kind.MUON : Optimizer.Kind.ADAMW);
  }

  private String report(CudaBackend backend, GptConfig model) {
    StringBuilder text = new StringBuilder();
    line(
        text,
        "%s, %s, %s",
        backend.name(),
        backend.context().cuda().libraries(),
        Surroundings.date());
    GpuRates rates = GpuRates.measure(backend, matrix);
    line(
        text,
        "\nCopy %.0f GB/s (read and written); product of %d³ %.1f TFLOP/s; a launch %.2f µs, a graph of one %.2f µs (%s).",
        rates.copyGbps(),
        matrix,
        rates.gemmTflops(),
        rates.launchMicros(),
        rates.graphMicros(),
        backend.context().cuda().binding());
    int fitting = wholeSteps(text, backend, model, rates);
    operations(text, backend, model, fitting, rates);
    return text.toString();
  }

  /** Returns the batch that fitted. */
  private int wholeSteps(StringBuilder text, CudaBackend backend, GptConfig model, GpuRates rates) {
    for (int fitting = batch; ; fitting /= 2) {
      try (GpuStep step = step(backend, model, fitting)) {
        double seconds = step.seconds(TURNS, steps);
        double tokens = (double) fitting * model.context();
        double flops = tokens * flopsOfAToken(model, step);
        line(
            text,
            "\n%s, B=%d, T=%d: %.2f ms a step, **%,.0f tokens/s**, %.1f TFLOP/s: %.0f %% of the product's rate%s."
                + " Loss %.3f.",
            papers ? preset + " with newer papers" : preset,
            fitting,
            model.context(),
            1e3 * seconds,
            tokens / seconds,
            1e-12 * flops / seconds,
            1e-10 * flops / seconds / rates.gemmTflops(),
            peakShare(backend, 1e-12 * flops / seconds),
            step.lossBlocking());
        return fitting;
      } catch (OutOfDeviceMemoryException e) {
        if (fitting == 1) {
          throw e;
        }
      }
    }
  }

  /** 6 for each weight that is multiplied, and 6 · layers · C · T for causal attention. */
  private static double flopsOfAToken(GptConfig model, GpuStep step) {
    double width = model.embd();
    double weights = step.weightsOfBlocks() + model.paddedVocab() * width;
    return 6 * weights + 6.0 * model.layers() * width * model.context();
  }

  /** Of the dense bf16 peak that NVIDIA states, where it is known. */
  private String peakShare(CudaBackend backend, double tflops) {
    String name = backend.context().name();
    double peak =
        fp32
            ? 0
            : name.contains("H100") || name.contains("H200")
                ? 989.4
                : name.contains("A100") ? 312 : 0;
    return peak == 0 ? "" : ", MFU %.1f %% of %.0f".formatted(100 * tflops / peak, peak);
  }

  private void operations(
      StringBuilder text, CudaBackend backend, GptConfig model, int fitting, GpuRates rates) {
    try (EventClock clock = new EventClock(backend.context(), backend.stream())) {
      ProfiledOps ops = new ProfiledOps(backend.ops(), clock);
      try (GpuStep step = step(new Unclosed(backend, ops), model, fitting)) {
        step.stepByStep();
        step.stepByStep();
        ops.reset();
        for (int i = 0; i < 3; i++) {
          step.stepByStep();
        }
        backend.synchronize();
        table(text, ops, 3, rates);
      }
    }
  }

  /** The backend with timed operations; stays the caller's. */
  private static final class Unclosed extends OpsBackend {
    Unclosed(CudaBackend backend, ProfiledOps ops) {
      super(backend, ops.timed());
    }

    @Override
    public void close() {}
  }

  private static void table(StringBuilder text, ProfiledOps ops, int steps, GpuRates rates) {
    double all = ops.entries().stream().mapToDouble(ProfiledOps.Entry::nanos).sum();
    line(text, "\n| operation | shape | calls | µs | share | rate | of the GPU's |");
    line(text, "| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for (ProfiledOps.Entry entry : ops.entries()) {
      boolean computes = entry.flops() > 0;
      double rate =
          computes
              ? 1e-3 * entry.flops() / entry.medianNanos()
              : entry.bytes() / entry.medianNanos();
      line(
          text,
          "| %s | %s | %d | %.1f | %.1f %% | %.1f %s | %.0f %% |",
          entry.op(),
          entry.shape(),
          entry.calls() / steps,
          1e-3 * entry.medianNanos(),
          100 * entry.nanos() / all,
          rate,
          computes ? "TFLOP/s" : "GB/s",
          100 * rate / (computes ? rates.gemmTflops() : rates.copyGbps()));
    }
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
