package dev.culebra.bench.gpu;

import static dev.culebra.backend.LayerNormOp.USUAL_EPSILON;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.Ops;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.backend.cuda.KernelChoice;
import dev.culebra.backend.cuda.KernelChoice.Attention;
import dev.culebra.backend.cuda.KernelChoice.Products;
import dev.culebra.bench.Commands;
import dev.culebra.bench.Surroundings;
import dev.culebra.cuda.Binding;
import dev.culebra.cuda.CudaUnavailableException;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The most expensive operations of a training step in isolation, with each choice of kernels: their
 * times, and whether a second run gives the same bits.
 */
@Command(
    name = "kernels",
    description =
        "Times attention, products and row operations alone, with each choice of kernels.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class KernelBench implements Callable<Integer> {
  private static final int REPEATS = 20;
  private static final int WIDTH = 768;
  private static final float DROPOUT = 0.2f;

  /** Bytes compared at the start and at the end of each result. */
  private static final long COMPARED_BYTES = 32L << 20;

  @Option(names = "--small", description = "Small shapes, for the simulator.")
  private boolean small;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Also writes the table there.")
  private Path markdown;

  private Report report;
  private boolean failed;

  public static void main(String[] args) {
    Commands.run(new KernelBench(), args);
  }

  @Override
  public Integer call() throws IOException {
    report = new Report(markdown);
    report.line("%s; bf16; attention is causal", Surroundings.date());
    report.line("");
    report.line("| operation | choice | µs | rate | a second run |");
    report.line("| --- | --- | ---: | ---: | --- |");
    for (Attention attention : new Attention[] {Attention.HOPPER, Attention.PORTABLE}) {
      withKernels(new KernelChoice(attention, Products.AUTO), attention, this::attention);
    }
    for (Products products : new Products[] {Products.LT, Products.GEMM}) {
      withKernels(new KernelChoice(Attention.AUTO, products), products, this::products);
    }
    withKernels(KernelChoice.AUTO, Products.AUTO, this::rows);
    return failed ? 1 : 0;
  }

  private interface Cases {
    void measure(Memory memory, String choice) throws IOException;
  }

  /**
   * If this GPU does not support a choice, prints a line with the reason and continues with the
   * others.
   */
  private void withKernels(KernelChoice kernels, Enum<?> choice, Cases cases) throws IOException {
    String label = choice.name().toLowerCase(Locale.ROOT);
    CudaConfig config = new CudaConfig(0, Binding.AUTO, DType.BF16, false, kernels);
    try (CudaBackend backend = new CudaBackend(config);
        Memory memory = new Memory(backend)) {
      cases.measure(memory, label);
    } catch (CudaUnavailableException | OutOfDeviceMemoryException | IllegalArgumentException e) {
      report.line("| | %s | | | %s |", label, e.getMessage());
    }
  }

  /** Memory for the tensors of one case at a time. */
  private static final class Memory implements AutoCloseable {
    private final CudaBackend backend;
    private final Ops ops;
    private final List<Buffer> buffers = new ArrayList<>();

    Memory(CudaBackend backend) {
      this.backend = backend;
      this.ops = backend.ops();
    }

    Tensor zeros(DType dtype, int... dims) {
      Shape shape = Shape.of(dims);
      Buffer buffer = backend.allocate(shape.elements() * dtype.bytes());
      buffers.add(buffer);
      return new Tensor(buffer, 0, dtype, shape);
    }

    Tensor random(DType dtype, int... dims) {
      Tensor tensor = zeros(dtype, dims);
      RandomMemory.fill(backend, buffers.getLast(), dtype);
      return tensor;
    }

    void copy(Tensor to, Tensor from) {
      backend.stream().copy(to.address(), from.address(), from.bytes());
    }

    @Override
    public void close() {
      buffers.forEach(Buffer::close);
      buffers.clear();
    }
  }

  private void attention(Memory memory, String choice) throws IOException {
    int[][] shapes =
        small
            ? new int[][] {{2, 2, 64, 64}}
            : new int[][] {{32, 12, 1024, 64}, {64, 6, 256, 64}, {4, 12, 8192, 64}};
    for (int[] shape : shapes) {
      attention(memory, choice, shape[0], shape[1], shape[2], shape[3], 0);
      if (shape[2] <= 1024) {
        attention(memory, choice, shape[0], shape[1], shape[2], shape[3], DROPOUT);
      }
    }
  }

  private void attention(
      Memory memory, String choice, int batch, int heads, int time, int size, float p)
      throws IOException {
    int width = heads * size;
    Tensor qkv = memory.random(DType.BF16, batch, time, 3 * width);
    Tensor out = memory.zeros(DType.BF16, batch, time, width);
    Tensor logSumExp = memory.zeros(DType.F32, batch, heads, time);
    Tensor dQkv = memory.zeros(DType.BF16, batch, time, 3 * width);
    Tensor delta = memory.zeros(DType.F32, batch, heads, time);
    Tensor dOut = memory.random(DType.BF16, batch, time, width);
    RandomKey key = new RandomKey(memory.zeros(DType.I32, 4), 1);
    DropoutSpec dropout = p == 0 ? DropoutSpec.NONE : new DropoutSpec(p, key);
    AttentionSpec spec = new AttentionSpec(heads, true, dropout);
    double pairs = (double) batch * time * width * (time + 1) / 2;
    String shape =
        "attention B%d H%d T%d D%d%s"
            .formatted(batch, heads, time, size, p == 0 ? "" : ", dropout " + p);
    measure(
        memory,
        shape + ", forward",
        choice,
        4 * pairs,
        0,
        List.of(out, logSumExp),
        () -> {},
        () -> memory.ops.attention().forward(out, logSumExp, qkv, spec));
    measure(
        memory,
        shape + ", backward",
        choice,
        10 * pairs,
        0,
        List.of(dQkv),
        () -> {},
        () -> memory.ops.attention().backward(dQkv, delta, dOut, out, logSumExp, qkv, spec));
    memory.close();
  }

  private void products(Memory memory, String choice) throws IOException {
    int rows = small ? 64 : 32 * 1024;
    int width = small ? 128 : WIDTH;
    product(memory, choice, rows, width, 3 * width, Activation.IDENTITY, Activation.IDENTITY);
    product(memory, choice, rows, width, 4 * width, Activation.IDENTITY, Activation.GELU_TANH);
    product(memory, choice, rows, 4 * width, width, Activation.GELU_TANH, Activation.IDENTITY);
    product(memory, choice, rows, width, width, Activation.IDENTITY, Activation.IDENTITY);
  }

  /**
   * @param ofInput the activation that made the input, whose slope the backward pass applies
   * @param activation of the output
   */
  private void product(
      Memory memory,
      String choice,
      int rows,
      int in,
      int out,
      Activation ofInput,
      Activation activation)
      throws IOException {
    boolean activated = activation != Activation.IDENTITY;
    boolean behind = ofInput != Activation.IDENTITY;
    Tensor beforeInput = behind ? memory.random(DType.BF16, rows, in) : null;
    Tensor x = memory.random(DType.BF16, rows, in);
    Tensor weight = memory.random(DType.BF16, out, in);
    Tensor bias = memory.random(DType.BF16, out);
    Tensor y = memory.zeros(DType.BF16, rows, out);
    Tensor before = activated ? memory.zeros(DType.BF16, rows, out) : null;
    Tensor dY = memory.random(DType.BF16, rows, out);
    Tensor dX = memory.zeros(DType.BF16, rows, in);
    Tensor dWeight = memory.zeros(DType.F32, out, in);
    Tensor dBias = memory.zeros(DType.F32, out);
    double flops = 2.0 * rows * in * out;
    String shape =
        "%d × %d%s to %d%s"
            .formatted(rows, in, behind ? " of GELU" : "", out, activated ? ", GELU" : "");
    measure(
        memory,
        "product with bias, " + shape,
        choice,
        flops,
        0,
        activated ? List.of(y, before) : List.of(y),
        () -> {},
        () -> memory.ops.linear().forward(y, before, x, weight, bias, activation));
    measure(
        memory,
        "its backward pass, " + shape,
        choice,
        2 * flops,
        0,
        List.of(dX, dWeight, dBias),
        () -> {},
        () ->
            memory.ops.linear().backward(dX, dWeight, dBias, dY, x, weight, beforeInput, ofInput));
    memory.close();
  }

  private void rows(Memory memory, String choice) throws IOException {
    layerNorm(memory, choice);
    activation(memory, choice);
    crossEntropy(memory, choice);
  }

  private void layerNorm(Memory memory, String choice) throws IOException {
    int rows = small ? 64 : 32 * 1024;
    Tensor stream = memory.random(DType.BF16, rows, WIDTH);
    Tensor branch = memory.random(DType.BF16, rows, WIDTH);
    Tensor weight = memory.random(DType.BF16, WIDTH);
    Tensor bias = memory.random(DType.BF16, WIDTH);
    Tensor sum = memory.zeros(DType.BF16, rows, WIDTH);
    Tensor out = memory.zeros(DType.BF16, rows, WIDTH);
    Tensor mean = memory.zeros(DType.F32, rows);
    Tensor rstd = memory.zeros(DType.F32, rows);
    Tensor dSum = memory.zeros(DType.BF16, rows, WIDTH);
    Tensor dWeight = memory.zeros(DType.F32, WIDTH);
    Tensor dBias = memory.zeros(DType.F32, WIDTH);
    Tensor dBranchBias = memory.zeros(DType.F32, WIDTH);
    Tensor dOut = memory.random(DType.BF16, rows, WIDTH);
    String shape = "layernorm of a sum, %d × %d".formatted(rows, WIDTH);
    measure(
        memory,
        shape + ", forward",
        choice,
        0,
        4.0 * stream.bytes(),
        List.of(out, sum, mean, rstd),
        () -> {},
        () ->
            memory
                .ops
                .layerNorm()
                .residualForward(
                    out, sum, mean, rstd, stream, branch, weight, bias, USUAL_EPSILON));
    measure(
        memory,
        shape + ", backward",
        choice,
        0,
        4.0 * stream.bytes(),
        List.of(dSum, dWeight, dBias, dBranchBias),
        () -> {},
        () ->
            memory
                .ops
                .layerNorm()
                .residualBackward(
                    dSum, dWeight, dBias, dBranchBias, dOut, sum, mean, rstd, weight));
    memory.close();
  }

  private void activation(Memory memory, String choice) throws IOException {
    int rows = small ? 64 : 32 * 1024;
    Tensor in = memory.random(DType.BF16, rows, 4 * WIDTH);
    Tensor dOut = memory.random(DType.BF16, rows, 4 * WIDTH);
    Tensor dIn = memory.zeros(DType.BF16, rows, 4 * WIDTH);
    measure(
        memory,
        "GELU, backward, %d × %d".formatted(rows, 4 * WIDTH),
        choice,
        0,
        3.0 * in.bytes(),
        List.of(dIn),
        () -> {},
        () -> memory.ops.activation().backward(dIn, dOut, in, Activation.GELU_TANH));
    memory.close();
  }

  private void crossEntropy(Memory memory, String choice) throws IOException {
    int rows = small ? 16 : 32 * 1024;
    int vocab = small ? 500 : 50257;
    int columns = Math.ceilDiv(vocab, 128) * 128;
    Tensor kept = memory.random(DType.BF16, rows, columns);
    Tensor logits = memory.zeros(DType.BF16, rows, columns);
    Tensor targets = memory.zeros(DType.I32, rows);
    Tensor losses = memory.zeros(DType.F32, rows);
    Tensor meanLoss = memory.zeros(DType.F32, 1);
    measure(
        memory,
        "cross-entropy with gradient, %d × %d".formatted(rows, columns),
        choice,
        0,
        2.0 * logits.bytes(),
        List.of(logits, losses, meanLoss),
        () -> memory.copy(logits, kept),
        () ->
            memory.ops.crossEntropy().forwardBackward(losses, meanLoss, logits, targets, vocab, 1));
    memory.close();
  }

  /**
   * Measures one line of the table.
   *
   * @param flops of the operation, or 0 if it is measured in {@code bytes}
   * @param written its outputs; zeroed before each of the compared runs
   * @param prepare called after that
   */
  private void measure(
      Memory memory,
      String name,
      String choice,
      double flops,
      double bytes,
      List<Tensor> written,
      Runnable prepare,
      Runnable work)
      throws IOException {
    boolean equal;
    try (Arena arena = Arena.ofConfined()) {
      List<MemorySegment> first = results(memory, arena, written, prepare, work);
      List<MemorySegment> second = results(memory, arena, written, prepare, work);
      equal = true;
      for (int i = 0; i < first.size(); i++) {
        equal &= first.get(i).mismatch(second.get(i)) == -1;
      }
    }
    failed |= !equal;
    double micros = EventClock.microsOf(memory.backend, work, small ? 1 : REPEATS);
    report.line(
        "| %s | %s | %.1f | %.0f %s | %s |",
        name,
        choice,
        micros,
        flops > 0 ? 1e-6 * flops / micros : 1e-3 * bytes / micros,
        flops > 0 ? "TFLOP/s" : "GB/s",
        equal ? "equal bits" : "**other bits**");
  }

  /** The start and the end of all outputs. */
  private static List<MemorySegment> results(
      Memory memory, Arena arena, List<Tensor> written, Runnable prepare, Runnable work) {
    for (Tensor tensor : written) {
      memory.backend.stream().clear(tensor.address(), tensor.bytes());
    }
    prepare.run();
    work.run();
    List<MemorySegment> results = new ArrayList<>();
    for (Tensor tensor : written) {
      int part = (int) Math.min(tensor.elements(), COMPARED_BYTES / tensor.dtype().bytes());
      for (long from : new long[] {0, tensor.elements() - part}) {
        Tensor slice = tensor.slice(from, Shape.of(part));
        MemorySegment host = arena.allocate(slice.bytes());
        memory.backend.readBlocking(host, slice);
        results.add(host);
      }
    }
    return results;
  }
}
