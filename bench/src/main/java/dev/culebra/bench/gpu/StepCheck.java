package dev.culebra.bench.gpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.bench.Commands;
import dev.culebra.cuda.Binding;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.optim.Optimizer;
import dev.culebra.tensor.DType;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A few training steps, launch by launch: for tools that watch every kernel. */
@Command(
    name = "step",
    description = "Does training steps and nothing else, for tools that watch every kernel.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class StepCheck implements Callable<Integer> {
  private static final int HEADS = 2;
  private static final int CONTEXT = 192;
  private static final int VOCAB = 200;
  private static final float DROPOUT = 0.1f;

  @Option(
      names = "--preset",
      description = "The model (default: one layer of two heads, with and without dropout).")
  private Preset preset;

  @Option(
      names = "--vocab",
      defaultValue = "50257",
      description = "With a preset: number of tokens (default: ${DEFAULT-VALUE}).")
  private int vocab;

  @Option(
      names = "--head-size",
      defaultValue = "64",
      description = "Of the small model: head width (default: ${DEFAULT-VALUE}).")
  private int headSize;

  @Option(names = "--batch", defaultValue = "1", description = "Sequences per batch.")
  private int batch;

  @Option(
      names = "--dropout",
      paramLabel = "P",
      defaultValue = "0",
      description = "Of the preset: probability (default: ${DEFAULT-VALUE}).")
  private float dropout;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "2",
      description = "How many (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--marks",
      description = "Tells native-build/profile which launches each operation is made of.")
  private boolean marks;

  public static void main(String[] args) {
    Commands.run(new StepCheck(), args);
  }

  @Override
  public Integer call() {
    try (CudaBackend backend =
        new CudaBackend(new CudaConfig(0, Binding.AUTO, DType.BF16, false))) {
      if (preset != null) {
        doSteps(backend, preset.config(vocab).with(GptConfig.DROPOUT, dropout));
      } else { // attention has other kernels with dropout than without
        doSteps(backend, small());
        doSteps(backend, small().with(GptConfig.DROPOUT, 0f));
      }
    }
    return 0;
  }

  private void doSteps(CudaBackend backend, GptConfig model) {
    try (GpuStep step = new GpuStep(backend, model, batch, Optimizer.Kind.ADAMW)) {
      if (marks) {
        backend.ops().listen(new ProfileMarks());
      }
      for (int i = 0; i < steps; i++) {
        step.stepByStep();
      }
      backend.ops().listen(null);
      System.out.printf("%s: loss %.3f%n", backend.name(), step.lossBlocking());
    }
  }

  private GptConfig small() {
    return new GptConfig(
        1, HEADS, HEADS * headSize, CONTEXT, VOCAB, DROPOUT, true, true, Activation.GELU_TANH);
  }
}
