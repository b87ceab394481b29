package dev.culebra.bench;

import dev.culebra.bench.cpu.CpuBenchmarks;
import dev.culebra.bench.cpu.TokenizerBench;
import dev.culebra.bench.cpu.WritingBench;
import dev.culebra.bench.gpu.DecodeBench;
import dev.culebra.bench.gpu.GpuBench;
import dev.culebra.bench.gpu.KernelBench;
import dev.culebra.bench.gpu.LaunchBench;
import dev.culebra.bench.gpu.StepCheck;
import picocli.CommandLine.Command;

/** Benchmarks of single operations, by device. */
@Command(
    name = "bench/run",
    description = "Times single operations.",
    mixinStandardHelpOptions = true,
    subcommands = {
      CpuBenchmarks.class,
      WritingBench.class,
      TokenizerBench.class,
      GpuBench.class,
      DecodeBench.class,
      KernelBench.class,
      LaunchBench.class,
      StepCheck.class
    })
public final class Benchmarks {
  private Benchmarks() {}

  public static void main(String[] args) {
    Commands.run(new Benchmarks(), args);
  }
}
