package dev.culebra.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The driver calls that tests need, on the {@code libcuda.so.1} that the loader finds: the
 * simulator, which Surefire puts on the library path. Frees its memory when closed.
 */
final class TestDevice implements AutoCloseable {
  private static final Path SIMULATOR = Path.of("target/simulator");

  private final Arena arena = Arena.ofShared();
  private final SymbolLookup cuda = SymbolLookup.libraryLookup("libcuda.so.1", arena);
  private final Map<String, MethodHandle> handles = new ConcurrentHashMap<>();
  private final MemorySegment out = arena.allocate(ADDRESS);

  TestDevice() {
    check("cuInit", 0);
    check("cuDevicePrimaryCtxRetain", out, 0);
    check("cuCtxSetCurrent", out.get(ADDRESS, 0));
  }

  /** Skips the test, with the reason, if the simulator could not be built. */
  static void assumeSimulator() {
    Path reason = SIMULATOR.resolve("unavailable");
    assumeTrue(
        !Files.exists(reason),
        () -> {
          try {
            return Files.readString(reason).strip();
          } catch (IOException e) {
            return e.toString();
          }
        });
  }

  /** Calls a function of the driver; the arguments determine the types of its parameters. */
  int call(String function, Object... arguments) {
    try {
      return (int) handle(function, arguments).invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  void check(String function, Object... arguments) {
    int result = call(function, arguments);
    if (result != 0) {
      throw new AssertionError(function + " returns " + result);
    }
  }

  private MethodHandle handle(String function, Object[] arguments) {
    return handles.computeIfAbsent(
        function,
        name -> {
          MemoryLayout[] layouts = new MemoryLayout[arguments.length];
          for (int i = 0; i < layouts.length; i++) {
            layouts[i] = layoutOf(arguments[i]);
          }
          return Linker.nativeLinker()
              .downcallHandle(
                  cuda.find(name).orElseThrow(() -> new AssertionError("no " + name)),
                  FunctionDescriptor.of(JAVA_INT, layouts));
        });
  }

  private static ValueLayout layoutOf(Object argument) {
    return switch (argument) {
      case Integer i -> JAVA_INT;
      case Long l -> JAVA_LONG;
      case Float f -> JAVA_FLOAT;
      case MemorySegment s -> ADDRESS;
      default -> throw new IllegalArgumentException(argument.getClass().getName());
    };
  }

  /** Allocates device memory with these numbers and returns its address. */
  long upload(float... values) {
    long address = allocate(values.length);
    check("cuMemcpyHtoD_v2", address, arena.allocateFrom(JAVA_FLOAT, values), 4L * values.length);
    return address;
  }

  long allocate(int floats) {
    check("cuMemAlloc_v2", out, 4L * floats);
    return out.get(JAVA_LONG, 0);
  }

  float[] download(long address, int floats) {
    MemorySegment host = arena.allocate(JAVA_FLOAT, floats);
    check("cuMemcpyDtoH_v2", host, address, 4L * floats);
    return host.toArray(JAVA_FLOAT);
  }

  /** A kernel of a module in the jar. */
  MemorySegment kernel(String module, String name) {
    try (var ptx =
        TestDevice.class.getResourceAsStream("/dev/culebra/kernels/" + module + ".ptx")) {
      byte[] text = Objects.requireNonNull(ptx, module).readAllBytes();
      MemorySegment image = arena.allocate(text.length + 1L);
      image.copyFrom(MemorySegment.ofArray(text));
      check("cuModuleLoadData", out, image);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    check("cuModuleGetFunction", out, out.get(ADDRESS, 0), arena.allocateFrom(name));
    return out.get(ADDRESS, 0);
  }

  /** A counter of the simulator. */
  long count(String function) {
    try {
      return (long)
          Linker.nativeLinker()
              .downcallHandle(cuda.find(function).orElseThrow(), FunctionDescriptor.of(JAVA_LONG))
              .invoke();
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  /** Calls a function of the simulator that returns nothing. */
  void command(String function, Object... arguments) {
    MemoryLayout[] layouts =
        Stream.of(arguments).map(TestDevice::layoutOf).toArray(MemoryLayout[]::new);
    try {
      Linker.nativeLinker()
          .downcallHandle(cuda.find(function).orElseThrow(), FunctionDescriptor.ofVoid(layouts))
          .invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  /** Launches on the default stream; arguments are longs (also addresses), ints and floats. */
  int launch(MemorySegment kernel, int blocks, int threads, Object... arguments) {
    return launchOn(MemorySegment.NULL, kernel, blocks, threads, arguments);
  }

  int launchOn(
      MemorySegment stream, MemorySegment kernel, int blocks, int threads, Object... arguments) {
    MemorySegment addresses = arena.allocate(ADDRESS, arguments.length);
    for (int i = 0; i < arguments.length; i++) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      switch (arguments[i]) {
        case Integer number -> value.set(JAVA_INT, 0, number);
        case Float number -> value.set(JAVA_FLOAT, 0, number);
        case Long number -> value.set(JAVA_LONG, 0, number);
        default -> throw new IllegalArgumentException(arguments[i].getClass().getName());
      }
      addresses.setAtIndex(ADDRESS, i, value);
    }
    MemorySegment none = MemorySegment.NULL;
    return call("cuLaunchKernel", kernel, blocks, 1, 1, threads, 1, 1, 0, stream, addresses, none);
  }

  @Override
  public void close() {
    arena.close();
  }
}
