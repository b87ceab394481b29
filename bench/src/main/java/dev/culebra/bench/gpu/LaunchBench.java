package dev.culebra.bench.gpu;

import dev.culebra.backend.Recording;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What a call costs the host through each binding: a kernel of one element, a graph of it, a copy
 * on the device. In the simulator the work behind the call is done by the same thread, or queued.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LaunchBench {
  /** How CUDA is called. */
  @Param({"FFM", "JCUDA"})
  public Binding binding;

  private CudaBackend backend;
  private Buffer buffer;
  private Tensor one;
  private Recording graph;

  @Setup
  public void open() {
    backend = new CudaBackend(new CudaConfig(0, binding, DType.F32, false));
    buffer = backend.allocate(1024);
    one = new Tensor(buffer, 0, DType.F32, Shape.of(1));
    graph = backend.record(this::kernel);
    graph.replay();
    graph.replay();
  }

  /** So that the queue of one iteration is no part of the next. */
  @TearDown(Level.Iteration)
  public void drain() {
    backend.synchronize();
  }

  @TearDown
  public void close() {
    graph.close();
    buffer.close();
    backend.close();
  }

  @Benchmark
  public void kernel() {
    backend.ops().fill(one, 1);
  }

  @Benchmark
  public void graph() {
    graph.replay();
  }

  @Benchmark
  public void copy() {
    backend.stream().copy(buffer.address() + 512, buffer.address(), 4);
  }

  /** Crosses into the driver and back and does nothing there. */
  @Benchmark
  public long emptyCall() {
    return backend.context().driver().version();
  }
}
