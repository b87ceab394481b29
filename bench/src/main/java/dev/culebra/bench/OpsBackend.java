package dev.culebra.bench;

import dev.culebra.backend.Backend;
import dev.culebra.backend.MemoryReport;
import dev.culebra.backend.Ops;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A backend with other operations on its memory, which are called each time that a recording is
 * replayed. Closes the backend it stands before.
 */
public class OpsBackend implements Backend {
  private final Backend backend;
  private final Ops ops;

  /** The memory of {@code backend} with {@code ops}. */
  public OpsBackend(Backend backend, Ops ops) {
    this.backend = backend;
    this.ops = ops;
  }

  @Override
  public String name() {
    return backend.name();
  }

  @Override
  public DType dtype() {
    return backend.dtype();
  }

  @Override
  public Ops ops() {
    return ops;
  }

  @Override
  public Buffer allocate(long bytes) {
    return backend.allocate(bytes);
  }

  @Override
  public void upload(Tensor dst, MemorySegment src) {
    backend.upload(dst, src);
  }

  @Override
  public void readBlocking(MemorySegment dst, Tensor src) {
    backend.readBlocking(dst, src);
  }

  @Override
  public void synchronize() {
    backend.synchronize();
  }

  @Override
  public MemoryReport memory() {
    return backend.memory();
  }

  @Override
  public void close() {
    backend.close();
  }
}
