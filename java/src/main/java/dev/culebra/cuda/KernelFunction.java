package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.culebra.cuda.KernelIndex.ParameterType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A kernel, ready to be launched: {@code kernel.with(out).with(in).with(n).launch(size, stream)}.
 * Arguments are written to native memory that is allocated once; each is checked against the type
 * of its parameter in the compiled kernel. One thread at a time.
 */
public final class KernelFunction {
  /** Dynamic shared memory that every kernel may use. */
  private static final int USUAL_SHARED_BYTES = 48 << 10;

  private final CudaContext context;
  private final String name;
  private final Handle handle;
  private final List<ParameterType> parameters;
  private final MemorySegment values;
  private final MemorySegment addresses;
  private int allowedSharedBytes = USUAL_SHARED_BYTES;
  private int next;

  KernelFunction(CudaContext context, String name, Handle handle, List<ParameterType> parameters) {
    this.context = context;
    this.name = name;
    this.handle = handle;
    this.parameters = parameters;
    Arena arena = Arena.ofAuto();
    values = arena.allocate(JAVA_LONG, parameters.size());
    addresses = arena.allocate(ADDRESS, parameters.size());
    for (int i = 0; i < parameters.size(); i++) {
      addresses.setAtIndex(ADDRESS, i, values.asSlice(i * Long.BYTES));
    }
  }

  /** Lets the kernel use {@code bytes} of dynamic shared memory; needed for more than 48 KiB. */
  public KernelFunction allowSharedMemory(int bytes) {
    if (bytes > allowedSharedBytes) {
      context.driver().allowSharedMemory(handle, bytes);
      allowedSharedBytes = bytes;
    }
    return this;
  }

  /** The next argument is the address of a tensor, or a null pointer. */
  public KernelFunction with(Tensor tensor) {
    return with(tensor == null ? 0 : tensor.address());
  }

  /** The next argument is a 64-bit number or an address. */
  public KernelFunction with(long value) {
    values.set(JAVA_LONG, place(ParameterType.U64), value);
    return this;
  }

  /** The next argument is a 32-bit integer. */
  public KernelFunction with(int value) {
    values.set(JAVA_INT, place(ParameterType.U32), value);
    return this;
  }

  /** The next argument is a float. */
  public KernelFunction with(float value) {
    values.set(JAVA_FLOAT, place(ParameterType.F32), value);
    return this;
  }

  /** The next argument is a double. */
  public KernelFunction with(double value) {
    values.set(JAVA_DOUBLE, place(ParameterType.F64), value);
    return this;
  }

  private long place(ParameterType type) {
    if (next >= parameters.size() || parameters.get(next) != type) {
      int at = next;
      next = 0;
      throw new IllegalArgumentException(
          "argument %d of %s cannot be %s: its parameters are %s"
              .formatted(at, name, type, parameters));
    }
    return (long) Long.BYTES * next++;
  }

  /** Launches the kernel with the arguments given since the last launch. */
  public void launch(LaunchSize size, Stream stream) {
    int given = next;
    next = 0;
    if (given != parameters.size()) {
      throw new IllegalArgumentException(
          "%s has %d parameters, but %d arguments were given"
              .formatted(name, parameters.size(), given));
    }
    LaunchSize ordered =
        stream.overlaps(size.overlapped()) == size.overlapped() ? size : size.overlapped(false);
    try {
      context.driver().launch(handle, ordered, stream.handle(), addresses);
    } catch (CudaException e) {
      throw e.of(name);
    }
  }
}
