package dev.culebra.bench.cpu;

import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactOp;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.Ops;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.race.Course;
import dev.culebra.nn.GptConfig;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Shared by the benchmarks of operations: a backend, filled tensors, timing. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(
    value = 1,
    jvmArgs = {
      "--add-modules",
      "jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-XX:+UseSerialGC"
    })
public abstract class OpBench {
  private static final long SEED = 1337;

  /** The course whose shapes are used. */
  @Param({"A", "B", "C"})
  public Course course;

  private final List<Buffer> buffers = new ArrayList<>();
  private Backend backend;

  /** Opens the backend and lets the benchmark create its tensors. */
  @Setup(Level.Trial)
  public void open() {
    backend = new CpuBackend();
    prepare();
  }

  /** Creates the tensors. */
  protected abstract void prepare();

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    buffers.forEach(Buffer::close);
    buffers.clear();
    backend.close();
  }

  final Ops ops() {
    return backend.ops();
  }

  final CompactOp compact() {
    return backend.compact().orElseThrow();
  }

  final GptConfig model() {
    return course.model();
  }

  /** B · T. */
  final int rows() {
    return course.tokens();
  }

  /** A tensor of normally distributed numbers. */
  final Tensor floats(int... dims) {
    Tensor tensor = tensor(DType.F32, dims);
    RandomStream random = new RandomStream(SEED, 0, buffers.size());
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setFloat(i, random.nextNormal());
    }
    return tensor;
  }

  /** A tensor of integers below {@code bound}. */
  final Tensor ints(int bound, int... dims) {
    Tensor tensor = tensor(DType.I32, dims);
    RandomStream random = new RandomStream(SEED, 1, buffers.size());
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setInt(i, random.nextInt(bound));
    }
    return tensor;
  }

  /** A matrix of the same numbers in fewer bits. */
  final CompactWeight compact(CompactWeight.Format format, Tensor matrix) {
    Buffer buffer = backend.allocate(format.bytes(matrix.shape()));
    buffers.add(buffer);
    CompactWeight weight = new CompactWeight(format, buffer, 0, matrix.shape());
    compact().store(weight, 0, matrix.segment());
    return weight;
  }

  /** A tensor of zeros. */
  final Tensor tensor(DType dtype, int... dims) {
    Shape shape = Shape.of(dims);
    Buffer buffer = backend.allocate(shape.elements() * dtype.bytes());
    buffers.add(buffer);
    return new Tensor(buffer, 0, dtype, shape);
  }
}
