package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.culebra.backend.Activation;
import dev.culebra.backend.AdamWStep;
import dev.culebra.backend.CompactOp;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.MuonStep;
import dev.culebra.backend.Ops;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Operations on rows, called repeatedly in their own JVM: what C2 inlines, and thus whether vectors
 * are boxed, depends on what a JVM has run before.
 */
class SteadyCallsTest {
  @Test
  void allocateNothing() throws IOException, InterruptedException {
    assertThat(outputOf("--add-modules", "jdk.incubator.vector"))
        .contains("vectors: all steady")
        .noneMatch(line -> line.startsWith("allocates"));
  }

  @Test
  void allocateNothingWithoutTheVectorApiAndSayHowToEnableIt()
      throws IOException, InterruptedException {
    assertThat(outputOf())
        .contains("no vectors: all steady")
        .noneMatch(line -> line.startsWith("allocates"))
        .filteredOn(line -> line.contains("--add-modules jdk.incubator.vector"))
        .hasSize(1);
  }

  private static List<String> outputOf(String... flags) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    Collections.addAll(command, flags);
    // Compilers that run beside the program leave a box for good, once in some ten JVMs.
    command.add("-Xbatch");
    Collections.addAll(command, "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC");
    Collections.addAll(command, "-cp", System.getProperty("java.class.path"));
    command.add(Calls.class.getName());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (var reader = process.inputReader()) {
      List<String> lines = reader.lines().toList();
      assertThat(process.waitFor()).as("%s", lines).isZero();
      return lines;
    }
  }

  /** Calls each operation until it allocates nothing, and names those that never do. */
  static final class Calls {
    /** Time limit per operation: compilers are slow on a busy machine. */
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(20);

    private final Ops ops;
    private final Buffer memory;
    private long used;

    private Calls(CpuBackend backend) {
      ops = backend.ops();
      memory = backend.allocate(1 << 20);
    }

    public static void main(String[] args) {
      try (CpuBackend backend = new CpuBackend(1);
          CpuBackend another = new CpuBackend(1)) {
        Calls calls = new Calls(backend);
        Map<String, Runnable> steps = calls.steps(16, 48, 80);
        steps.putAll(calls.compactSteps(backend.compact().orElseThrow(), 16, 80));
        steps.forEach(
            (name, step) -> {
              long bytes = least(step);
              if (bytes > 0) {
                System.out.printf("allocates: %s, %d bytes%n", name, bytes);
              }
            });
        boolean vectors = another.name().endsWith("-bit vectors)");
        System.out.println((vectors ? "vectors" : "no vectors") + ": all steady");
      }
    }

    /** The fewest bytes allocated by a call: vectors are boxed until C2 has compiled it. */
    private static long least(Runnable step) {
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long least = Long.MAX_VALUE;
      long deadline = System.nanoTime() + PATIENCE;
      while (least > 0 && System.nanoTime() < deadline) {
        long before = threads.getCurrentThreadAllocatedBytes();
        step.run();
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      return least;
    }

    private Tensor tensor(DType dtype, int... dims) {
      Tensor tensor = new Tensor(memory, used, dtype, Shape.of(dims));
      used += Math.ceilDiv(tensor.bytes(), 64) * 64;
      return tensor;
    }

    private Tensor floats(int... dims) {
      return tensor(DType.F32, dims);
    }

    /** Products of a few rows and of {@code n}, and what else reads compact weights. */
    private Map<String, Runnable> compactSteps(CompactOp compact, int n, int c) {
      Map<String, Runnable> steps = new LinkedHashMap<>();
      Tensor dense = floats(c, c);
      for (int rows : new int[] {1, 2}) {
        Tensor in = floats(rows, c);
        Tensor out = floats(rows, c);
        steps.put(
            "linear of " + rows + " rows",
            () -> ops.linear().forward(out, null, in, dense, null, Activation.IDENTITY));
      }
      for (CompactWeight.Format format : CompactWeight.Format.values()) {
        Shape square = Shape.of(c, c);
        CompactWeight weight = new CompactWeight(format, memory, used, square);
        used += format.bytes(square);
        Tensor tokens = tensor(DType.I32, 1, n);
        Tensor embedded = floats(1, n, c);
        steps.put(
            "compact " + format + " embedding",
            () -> compact.embedding(embedded, tokens, weight, null, null));
        for (int rows : new int[] {1, 2, n}) {
          Tensor in = floats(rows, c);
          Tensor out = floats(rows, c);
          steps.put(
              "compact " + format + " of " + rows + " rows",
              () -> compact.linear(out, in, weight, null, Activation.IDENTITY));
        }
      }
      return steps;
    }

    /** Every operation of rows. */
    private Map<String, Runnable> steps(int n, int c, int vocab) {
      Tensor x = floats(n, c);
      Tensor y = floats(n, c);
      Tensor sum = floats(n, c);
      Tensor mean = floats(n);
      Tensor rstd = floats(n);
      Tensor weight = floats(c);
      Tensor dWeight = floats(c);
      Tensor dBias = floats(c);
      Tensor table = floats(vocab, c);
      Tensor logits = floats(n, vocab);
      Tensor losses = floats(n);
      Tensor one = floats(1);
      Tensor tokens = tensor(DType.I32, 1, n);
      Tensor targets = tensor(DType.I32, n);
      Tensor moments = floats(n, c);
      AdamWStep adamW = new AdamWStep(1, 1e-3f, 0.9f, 0.99f, 1e-8f, 0.1f, 1, 0);
      RandomKey key = new RandomKey(tensor(DType.I32, 4), 1);
      DropoutSpec dropout = new DropoutSpec(0.3f, key);
      SamplingSpec sampling = new SamplingSpec(0.8f, 20, 0.9f);
      Map<String, Runnable> steps = new LinkedHashMap<>();
      steps.put("embeddingForward", () -> ops.embedding().forward(x, tokens, table, null, null));
      steps.put("embeddingBackward", () -> ops.embedding().backward(table, null, x, tokens));
      steps.put(
          "layerNormForward",
          () -> ops.layerNorm().forward(y, mean, rstd, x, weight, dBias, 1e-5f));
      steps.put(
          "layerNormBackward",
          () -> ops.layerNorm().backward(y, dWeight, dBias, dBias, y, x, mean, rstd, weight));
      steps.put(
          "residualLayerNormForward",
          () -> ops.layerNorm().residualForward(y, sum, mean, rstd, x, y, weight, dBias, 1e-5f));
      steps.put(
          "residualLayerNormBackward",
          () ->
              ops.layerNorm()
                  .residualBackward(y, dWeight, dBias, dBias, x, sum, mean, rstd, weight));
      steps.put("activationForward", () -> ops.activation().forward(y, x, Activation.GELU_TANH));
      steps.put(
          "activationBackward", () -> ops.activation().backward(y, y, x, Activation.GELU_TANH));
      steps.put(
          "RMSNorm forward", () -> ops.layerNorm().forward(y, null, rstd, x, weight, null, 1e-5f));
      Tensor wide = floats(n, 2 * c);
      Tensor dWide = floats(n, 2 * c);
      steps.put("gatedForward", () -> ops.gated().forward(y, wide, Activation.SILU));
      steps.put("gatedBackward", () -> ops.gated().backward(dWide, y, wide, Activation.SILU));
      HeadsSpec heads = new HeadsSpec(2, 1, true, true);
      Tensor projected = floats(1, n, 4 * c);
      Tensor packed = floats(1, n, 6 * c);
      steps.put(
          "headsForward",
          () -> ops.heads().forward(packed, projected, weight, weight, null, heads));
      Tensor dProjected = floats(1, n, 4 * c);
      steps.put(
          "headsBackward",
          () ->
              ops.heads()
                  .backward(dProjected, dWeight, dBias, packed, projected, weight, weight, heads));
      steps.put("softcapForward", () -> ops.softcap().forward(y, x, 20));
      steps.put("softcapBackward", () -> ops.softcap().backward(y, y, x, 20));
      steps.put("dropoutForward", () -> ops.dropout().forward(y, x, dropout));
      steps.put(
          "crossEntropyForwardBackward",
          () -> ops.crossEntropy().forwardBackward(losses, one, logits, targets, vocab, 1));
      steps.put("add", () -> ops.elementwise().add(y, y, x));
      steps.put("fill", () -> ops.elementwise().fill(y, 0.1f));
      Tensor half = tensor(DType.BF16, n, c);
      steps.put("convert to BF16", () -> ops.elementwise().convert(half, y));
      steps.put("convert to F32", () -> ops.elementwise().convert(y, half));
      steps.put("norm", () -> ops.norm().compute(one, y));
      steps.put("adamW", () -> ops.adamW().update(null, x, y, sum, moments, one, n, adamW));
      MuonStep muon = new MuonStep(1, 1e-3f, 0.1f, 0);
      steps.put("muonMomentum", () -> ops.muon().momentum(x, y, sum, one, 0.95f, 1));
      Tensor directions = x.reshape(Shape.of(1, n, c));
      steps.put("orthogonalise", () -> ops.muon().orthogonalise(directions));
      steps.put("muonUpdate", () -> ops.muon().update(null, y, x, muon));
      steps.put("sample", () -> ops.sampling().sample(targets, logits, vocab, sampling, key));
      return steps;
    }
  }
}
