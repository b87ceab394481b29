package dev.culebra.backend.cpu;

import dev.culebra.tensor.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.Consumer;

/**
 * Off-heap memory of the CPU backend, initially 0. It comes from the C library: of a large block
 * the system provides each page when it is first used, so memory that is never used costs none, and
 * weights are not written twice. An arena of Java's would write zeros to all of it.
 */
final class HostBuffer implements Buffer {
  private static final long ALIGNMENT = 64;

  private static final MethodHandle CALLOC =
      function(
          "calloc",
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  private static final MethodHandle FREE =
      function("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final Consumer<HostBuffer> onClose;

  /**
   * @throws OutOfMemoryError if the system refuses it
   */
  HostBuffer(long bytes, Consumer<HostBuffer> onClose) {
    MemorySegment block = allocate(bytes + ALIGNMENT);
    long start = -block.address() & ALIGNMENT - 1;
    this.segment =
        block
            .reinterpret(bytes + ALIGNMENT, arena, HostBuffer::free)
            .asSlice(start, bytes, ALIGNMENT);
    this.onClose = onClose;
  }

  private static MethodHandle function(String name, FunctionDescriptor types) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), types);
  }

  private static MemorySegment allocate(long bytes) {
    MemorySegment block;
    try {
      block = (MemorySegment) CALLOC.invokeExact(1L, bytes);
    } catch (Throwable e) {
      throw new IllegalStateException("a C function throws nothing", e);
    }
    if (block.address() == 0) {
      throw new OutOfMemoryError("%,d bytes".formatted(bytes));
    }
    return block;
  }

  private static void free(MemorySegment block) {
    try {
      FREE.invokeExact(block);
    } catch (Throwable e) {
      throw new IllegalStateException("a C function throws nothing", e);
    }
  }

  @Override
  public long bytes() {
    return segment.byteSize();
  }

  @Override
  public long address() {
    return segment.address();
  }

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      onClose.accept(this);
    }
  }
}
