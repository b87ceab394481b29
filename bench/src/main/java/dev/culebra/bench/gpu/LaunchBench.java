package dev.culebra.bench.gpu;

import dev.culebra.bench.Commands;
import dev.culebra.bench.Surroundings;
import dev.culebra.cuda.Binding;
import dev.culebra.cuda.Cuda;
import dev.culebra.cuda.CudaContext;
import dev.culebra.cuda.CudaUnavailableException;
import dev.culebra.cuda.DeviceBuffer;
import dev.culebra.cuda.Graph;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.KernelIndex;
import dev.culebra.cuda.KernelLibrary;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.cuda.Stream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The cost of driver calls through each binding: a kernel of one element, a graph of it, a copy of
 * four bytes. Needs no cuBLAS, so that JCuda's driver API can also be measured on CUDA 13.
 */
@Command(
    name = "launches",
    description = "Times launches, graphs and copies through FFM and JCuda.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class LaunchBench implements Callable<Integer> {
  @Option(names = "--markdown", paramLabel = "FILE", description = "Also writes the table there.")
  private Path markdown;

  public static void main(String[] args) {
    Commands.run(new LaunchBench(), args);
  }

  @Override
  public Integer call() throws IOException {
    Report report = new Report(markdown);
    report.line("%s; µs from one call to the next", Surroundings.date());
    report.line("");
    report.line("| binding | launch | graph of one launch | copy | empty call |");
    report.line("| --- | ---: | ---: | ---: | ---: |");
    for (Binding binding : new Binding[] {Binding.FFM, Binding.JCUDA}) {
      try {
        measure(report, binding);
      } catch (CudaUnavailableException e) {
        report.line("| %s | %s | | | |", binding, e.getMessage());
      }
    }
    return 0;
  }

  private static void measure(Report report, Binding binding) throws IOException {
    try (CudaContext context = new CudaContext(Cuda.withoutCublas(binding), 0);
        Stream stream = new Stream(context);
        KernelLibrary library = new KernelLibrary(context, KernelIndex.load());
        DeviceBuffer buffer = context.allocate(1024)) {
      KernelFunction fill = library.kernel("fill_f32");
      LaunchSize size = LaunchSize.flat(1, 32);
      Runnable launch = () -> fill.with(buffer.address()).with(1f).with(1L).launch(size, stream);
      launch.run();
      try (Graph graph = stream.capture(launch)) {
        report.line(
            "| %s | %.2f | %.2f | %.2f | %.3f |",
            binding,
            HostClock.microsOfACall(stream::synchronize, launch),
            HostClock.microsOfACall(stream::synchronize, () -> stream.launch(graph)),
            HostClock.microsOfACall(
                stream::synchronize,
                () -> stream.copy(buffer.address() + 512, buffer.address(), 4)),
            HostClock.microsOfACall(stream::synchronize, () -> context.driver().version()));
      }
    }
  }
}
