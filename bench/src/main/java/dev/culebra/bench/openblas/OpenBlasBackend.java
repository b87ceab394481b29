package dev.culebra.bench.openblas;

import dev.culebra.backend.Backend;
import dev.culebra.backend.MemoryReport;
import dev.culebra.backend.Ops;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** The CPU backend with matrix products from OpenBLAS, to compare ours in whole steps. */
public final class OpenBlasBackend implements Backend {
  private final Backend cpu;
  private final OpenBlas blas;
  private final Buffer ones;
  private final Ops ops;

  /** With {@code threads} threads of ours and as many of OpenBLAS. */
  public OpenBlasBackend(int threads) {
    cpu = new CpuBackend(threads);
    blas = new OpenBlas(threads);
    ones = cpu.allocate((long) OpenBlasLinear.MAX_ROWS * Float.BYTES);
    Tensor row = new Tensor(ones, 0, DType.F32, Shape.of(OpenBlasLinear.MAX_ROWS));
    cpu.ops().elementwise().fill(row, 1);
    ops = cpu.ops().withLinear(new OpenBlasLinear(cpu.ops(), blas, row));
  }

  @Override
  public String name() {
    return cpu.name();
  }

  @Override
  public DType dtype() {
    return cpu.dtype();
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
    ones.close();
    cpu.close();
    blas.close();
  }
}
