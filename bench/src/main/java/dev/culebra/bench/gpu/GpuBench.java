package dev.culebra.bench.gpu;

import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.backend.cuda.KernelChoice;
import dev.culebra.bench.Commands;
import dev.culebra.bench.Median;
import dev.culebra.bench.Surroundings;
import dev.culebra.bench.profile.OpProfile;
import dev.culebra.cuda.Binding;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.optim.Optimizer;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times a whole training step on a GPU, and each operation in it compared with the GPU's
 * capability, measured in the same run. Prints each result as soon as it is known.
 */
@Command(
    name = "cuda",
    description = "Times training steps on a GPU, and every operation in them.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class GpuBench implements Callable<Integer> {
  private static final float SOFTCAP = 15;
  private static final int PROFILED_STEPS = 3;

  /** Bytes that are copied to keep the GPU busy while the host gets ahead, and the most copies. */
  private static final long AHEAD_BYTES = 256L << 20;

  private static final int AHEAD_COPIES = 1000;

  @Option(
      names = "--preset",
      defaultValue = "gpt2",
      description = "The model (default: ${DEFAULT-VALUE}).")
  private Preset preset;

  @Option(
      names = "--batch",
      defaultValue = "16",
      description = "Sequences per batch; halved until they fit (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--context",
      paramLabel = "T",
      description = "Tokens per sequence (default: the preset's).")
  private Integer context;

  @Option(
      names = "--vocab",
      defaultValue = "50257",
      description = "Number of tokens (default: ${DEFAULT-VALUE}).")
  private int vocab;

  @Option(
      names = "--dropout",
      paramLabel = "P",
      defaultValue = "0",
      description = "Dropout probability (default: ${DEFAULT-VALUE}).")
  private float dropout;

  @Option(names = "--fp32", description = "Computes in fp32 instead of bf16.")
  private boolean fp32;

  @Option(
      names = "--papers",
      description =
          "Features of newer papers: Llama's block, QK-norm, half the key heads, soft cap, Muon.")
  private boolean papers;

  @Option(
      names = "--binding",
      defaultValue = "auto",
      description = "ffm or jcuda (default: ${DEFAULT-VALUE}).")
  private Binding binding;

  @Option(
      names = "--attention",
      defaultValue = "auto",
      description = "auto, portable or hopper (default: ${DEFAULT-VALUE}).")
  private KernelChoice.Attention attention;

  @Option(
      names = "--products",
      defaultValue = "auto",
      description = "auto, lt or gemm (default: ${DEFAULT-VALUE}).")
  private KernelChoice.Products products;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "5",
      description = "Turns; their median is reported (default: ${DEFAULT-VALUE}).")
  private int turns;

  @Option(
      names = "--steps",
      defaultValue = "10",
      description = "Steps per turn (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--matrix",
      defaultValue = "8192",
      description = "Rows of the square matrices (default: ${DEFAULT-VALUE}).")
  private int matrix;

  @Option(names = "--no-operations", description = "Times only whole steps.")
  private boolean wholeStepsOnly;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Also writes the tables there.")
  private Path markdown;

  private Report report;

  public static void main(String[] args) {
    Commands.run(new GpuBench(), args);
  }

  @Override
  public Integer call() throws IOException {
    report = new Report(markdown);
    GptConfig model = preset.config(vocab).with(GptConfig.DROPOUT, dropout);
    if (context != null) {
      model = model.with(GptConfig.CONTEXT, context);
    }
    if (papers) {
      model = ofNewerPapers(model);
    }
    DType dtype = fp32 ? DType.F32 : DType.BF16;
    KernelChoice kernels = new KernelChoice(attention, products);
    try (CudaBackend backend = new CudaBackend(new CudaConfig(0, binding, dtype, false, kernels))) {
      report.line(
          "%s, %s, attention %s, products %s, %s",
          backend.name(),
          backend.context().cuda().libraries(),
          label(attention),
          label(products),
          Surroundings.date());
      GpuRates rates = GpuRates.measure(backend, matrix);
      report.line(
          "\nCopy %.0f GB/s (read and written); product of %d³ %.1f TFLOP/s; a launch %.2f µs, a graph of one %.2f µs (%s).",
          rates.copyGbps(),
          matrix,
          rates.gemmTflops(),
          rates.launchMicros(),
          rates.graphMicros(),
          backend.context().cuda().binding());
      measure(backend, model, rates);
    }
    return 0;
  }

  private static String label(Enum<?> choice) {
    return choice.name().toLowerCase(Locale.ROOT);
  }

  private static GptConfig ofNewerPapers(GptConfig model) {
    int kvHeads = model.heads() % 2 == 0 ? model.heads() / 2 : model.heads();
    return model
        .with(GptConfig.LLAMA)
        .with(GptConfig.QK_NORM, true)
        .with(GptConfig.KV_HEADS, kvHeads)
        .with(GptConfig.SOFTCAP, SOFTCAP);
  }

  /** Measures steps with the largest batch that fits, halved from the requested size. */
  private void measure(CudaBackend backend, GptConfig model, GpuRates rates) throws IOException {
    Optimizer.Kind optimizer = papers ? Optimizer.Kind.MUON : Optimizer.Kind.ADAMW;
    try (EventClock clock = new EventClock(backend.context(), backend.stream())) {
      for (int fitting = batch; ; fitting /= 2) {
        long start = System.nanoTime();
        try (GpuStep step = new GpuStep(backend, model, fitting, optimizer)) {
          report.line("\nModel created in %.1f s.", 1e-9 * (System.nanoTime() - start));
          double seconds = wholeSteps(backend, step, model, fitting, rates);
          if (!wholeStepsOnly) {
            operations(backend, step, new OpProfile(clock), seconds, rates);
          }
          return;
        } catch (OutOfDeviceMemoryException e) {
          report.line("\nB=%d does not fit: %s.", fitting, e.getMessage());
          if (fitting == 1) {
            throw e;
          }
        }
      }
    }
  }

  /** Returns seconds per step. */
  private double wholeSteps(
      CudaBackend backend, GpuStep step, GptConfig model, int fitting, GpuRates rates)
      throws IOException {
    double[] all = step.seconds(turns, steps);
    double seconds = Median.of(all);
    double tokens = (double) fitting * model.context();
    double flops = tokens * Gpt.flopsOfAToken(model);
    report.line(
        "\n%s%s, B=%d, T=%d: %.2f ms per step (%d turns, %.2f to %.2f), **%,.0f tokens/s**, %.1f TFLOP/s:"
            + " %.0f %% of the product's rate%s. %.1f GB. Loss %.3f.",
        papers ? preset + " with newer papers" : preset,
        dropout == 0 ? "" : ", dropout " + dropout,
        fitting,
        model.context(),
        1e3 * seconds,
        turns,
        1e3 * Arrays.stream(all).min().orElseThrow(),
        1e3 * Arrays.stream(all).max().orElseThrow(),
        tokens / seconds,
        1e-12 * flops / seconds,
        1e-10 * flops / seconds / rates.gemmTflops(),
        peakShare(backend, 1e-12 * flops / seconds),
        1e-9 * backend.context().liveBytes(),
        step.lossBlocking());
    return seconds;
  }

  /** The share of NVIDIA's stated dense peak, if known. */
  private static String peakShare(CudaBackend backend, double tflops) {
    double peak = backend.peakTflops().orElse(0);
    return peak == 0 ? "" : ", MFU %.1f %% of %.1f".formatted(100 * tflops / peak, peak);
  }

  /** The table of operations. Each step's launches wait on the GPU until all of them are queued. */
  private void operations(
      CudaBackend backend, GpuStep step, OpProfile profile, double graphSeconds, GpuRates rates)
      throws IOException {
    try (Buffer copied = backend.allocate(Math.min(AHEAD_BYTES, 16L * matrix * matrix))) {
      step.stepByStep();
      backend.synchronize();
      long start = System.nanoTime();
      step.stepByStep();
      double hostNanos = System.nanoTime() - start;
      double copyNanos = copied.bytes() / rates.copyGbps();
      int copies = (int) Math.clamp(Math.ceil(1.5 * hostNanos / copyNanos), 1, AHEAD_COPIES);
      backend.ops().listen(profile);
      for (int i = 0; i < PROFILED_STEPS; i++) {
        backend.synchronize();
        for (int copy = 0; copy < copies; copy++) {
          long half = copied.bytes() / 2;
          backend.stream().copy(copied.address() + half, copied.address(), half);
        }
        step.stepByStep();
      }
      backend.synchronize();
      backend.ops().listen(null);
      table(profile, graphSeconds, rates);
    }
  }

  private void table(OpProfile profile, double graphSeconds, GpuRates rates) throws IOException {
    double all = profile.entries().stream().mapToDouble(OpProfile.Entry::nanos).sum();
    StringBuilder table =
        new StringBuilder(
            """

            | operation | shape | calls | µs of a call | all, µs | share | does | rate | of the GPU's |
            | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
            """);
    for (OpProfile.Entry entry : profile.entries()) {
      boolean computes = entry.call().flops() > 0;
      double rate =
          computes
              ? 1e-3 * entry.call().flops() / entry.medianNanos()
              : entry.call().bytes() / entry.medianNanos();
      table.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %d | %.1f | %.0f | %.1f %% | %.1f %s | %.1f %s | %.0f %% |%n",
              entry.call().op(),
              entry.call().shape(),
              entry.calls() / PROFILED_STEPS,
              1e-3 * entry.medianNanos(),
              1e-3 * entry.nanos() / PROFILED_STEPS,
              100 * entry.nanos() / all,
              computes ? 1e-9 * entry.call().flops() : 1e-6 * entry.call().bytes(),
              computes ? "GFLOP" : "MB",
              rate,
              computes ? "TFLOP/s" : "GB/s",
              100 * rate / (computes ? rates.gemmTflops() : rates.copyGbps())));
    }
    report.line("%s", table.toString().stripTrailing());
    report.line(
        "\nSum of all operations, timed one by one by events: %.2f ms; the step with its micro-step as one graph: %.2f ms.",
        1e-6 * all / PROFILED_STEPS, 1e3 * graphSeconds);
  }
}
