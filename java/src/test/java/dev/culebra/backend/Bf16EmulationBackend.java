package dev.culebra.backend;

import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Emulates a BF16 backend on the CPU: each operation runs on F32 copies of its BF16 tensors, and
 * the results are rounded to nearest. For tests of code above the backends, and of the operations'
 * contract itself.
 */
public final class Bf16EmulationBackend implements Backend {
  private final CpuBackend cpu;
  private final Ops ops;

  /** With the given number of threads. */
  public Bf16EmulationBackend(int threads) {
    cpu = new CpuBackend(threads);
    ops = Bf16EmulationOps.of(cpu);
  }

  @Override
  public String name() {
    return "bf16 on " + cpu.name();
  }

  @Override
  public DType dtype() {
    return DType.BF16;
  }

  @Override
  public Ops ops() {
    return ops;
  }

  @Override
  public Buffer allocate(long bytes) {
    return cpu.allocate(bytes);
  }

  @Override
  public void upload(Tensor dst, MemorySegment src) {
    cpu.upload(dst, src);
  }

  @Override
  public void readBlocking(MemorySegment dst, Tensor src) {
    cpu.readBlocking(dst, src);
  }

  @Override
  public void synchronize() {
    cpu.synchronize();
  }

  @Override
  public MemoryReport memory() {
    return cpu.memory();
  }

  @Override
  public void close() {
    cpu.close();
  }
}
